"""Commands that hold the companies of blocked people."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from hirewire.kit.db import lock
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.holds import hold_company
from hirewire.vacancies.tables import blocked_user, company, employer_profile


async def note(tx: Tx, user_id: UUID, *, blocked: bool, at: datetime) -> None:
    """Store that somebody was blocked or unblocked, and hold or release their company.

    An event that is older than the stored one changes nothing, nor does a repeated one. A company
    with several people is held once all of them are blocked.
    """
    await lock(tx, f"employer {user_id}")  # somebody may create their company right now
    row = insert(blocked_user).values(user_id=user_id, blocked=blocked, at=at)
    stored = row.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"blocked": blocked, "at": at},
        where=blocked_user.c.at < at,
    ).returning(blocked_user.c.user_id)
    if (await tx.execute(stored)).first() is None:
        return
    theirs = select(employer_profile.c.company_id).where(employer_profile.c.user_id == user_id)
    company_id: UUID | None = (await tx.execute(theirs)).scalar()
    if company_id is not None:
        # Locked first, so that two members who are blocked at once see each other.
        locked = select(company.c.id).where(company.c.id == company_id)
        await tx.execute(locked.with_for_update(key_share=True))
        everybody = await _all_blocked(tx, company_id)
        await hold_company(tx, company_id, "owner_blocked", everybody)


async def _all_blocked(tx: Tx, company_id: UUID) -> bool:
    """Whether everybody who acts for a company is blocked."""
    is_blocked = func.coalesce(blocked_user.c.blocked, False)
    members = (
        select(func.bool_and(is_blocked))
        .select_from(employer_profile)
        .outerjoin(blocked_user, blocked_user.c.user_id == employer_profile.c.user_id)
        .where(employer_profile.c.company_id == company_id)
    )
    return bool((await tx.execute(members)).scalar_one())


async def erase(tx: Tx, user_id: UUID) -> int:
    """Forget whether a user who is erased was blocked; returns how many rows."""
    gone = await tx.execute(delete(blocked_user).where(blocked_user.c.user_id == user_id))
    return gone.rowcount
