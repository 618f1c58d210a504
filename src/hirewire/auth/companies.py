"""Who acts for which company, as `vacancies` says, and the keys that a company leaves behind."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from hirewire.auth.tables import api_key, company_member, user
from hirewire.contracts.auth import ApiKeyRevoked
from hirewire.kit import refusals
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx


class NoCompany(AppError):
    """You do not act for a company."""

    slug = "no-company"
    code = "no_company"
    kind = Kind.FORBIDDEN


async def lock_company(tx: Tx, company_id: UUID) -> None:
    """Wait until nobody else changes the company's keys or people, and keep them waiting."""
    await lock(tx, f"company {company_id}")


async def join(tx: Tx, user_id: UUID, company_id: UUID) -> None:
    """Store that a user acts for a company. The first one stays; nothing for an unknown user."""
    known = select(user.c.id).where(user.c.id == user_id).with_for_update(read=True)
    if (await tx.execute(known)).first() is not None:
        row = insert(company_member).values(user_id=user_id, company_id=company_id)
        await tx.execute(row.on_conflict_do_nothing())


async def company_of(tx: Tx, user_id: UUID) -> UUID:
    """The company that a user acts for, locked until the commit. Raises `NoCompany`."""
    its = company_member.c
    chosen = select(its.company_id).where(its.user_id == user_id)
    company_id: UUID | None = (await tx.execute(chosen)).scalar()
    if company_id is None:
        raise NoCompany
    await lock_company(tx, company_id)
    return company_id


async def colleagues(tx: Tx, company_id: UUID) -> Sequence[Row[UUID, str]]:
    """The ids and addresses of those who act for a company and are not blocked."""
    its = company_member.c
    found = await tx.execute(
        select(its.user_id, user.c.email)
        .join(user, user.c.id == its.user_id)
        .where(its.company_id == company_id, user.c.blocked_at.is_(None))
        .order_by(its.user_id)
    )
    return found.all()


async def leave(tx: Tx, user_id: UUID) -> int:
    """Take a user who is erased out of their company; returns how many rows. The last one takes its
    keys along.
    """
    try:
        company_id = await company_of(tx, user_id)
    except NoCompany:
        return 0
    its = company_member.c
    gone = await tx.execute(delete(company_member).where(its.user_id == user_id))
    left = await tx.execute(select(its.user_id).where(its.company_id == company_id).limit(1))
    if left.first() is not None:
        return gone.rowcount
    keys = delete(api_key).where(api_key.c.company_id == company_id).returning(api_key.c.id)
    ids = (await tx.execute(keys)).scalars().all()
    for id in ids:
        await key_is_revoked(tx, id, company_id)
    return gone.rowcount + len(ids)


async def key_is_revoked(tx: Tx, id: UUID, company_id: UUID) -> None:
    """Have this service refuse the tokens of a key that is deleted; others do by the event."""
    moment = now()
    await refusals.note_erased(tx, id, moment)
    record(tx, ApiKeyRevoked(key_id=id, company_id=company_id, at=moment))
