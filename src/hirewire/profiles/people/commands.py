"""Commands that create and change profiles."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic.alias_generators import to_camel
from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from hirewire.contracts.profiles import ProfileUpdated
from hirewire.kit.clock import now
from hirewire.kit.errors import NotFound
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.profiles.content import Fields
from hirewire.profiles.tables import profile


class NoProfileYet(NotFound):
    """Your profile is being created: it appears a moment after registration."""

    slug = "no-profile-yet"
    code = "no_profile_yet"


async def create(tx: Tx, user_id: UUID, email: str) -> bool:
    """Create a profile. If the user has one, add a missing account e-mail and return False.

    The profile shows the address until the user enters a name. Records `ProfileUpdated`.
    """
    moment = now()
    made = await tx.execute(
        insert(profile)
        .values(
            user_id=user_id,
            version=1,
            full_name=email,
            contacts=[],
            links=[],
            account_email=email,
            created_at=moment,
            updated_at=moment,
        )
        .on_conflict_do_nothing()
        .returning(profile.c.user_id)
    )
    if made.first() is None:
        unknown = (profile.c.user_id == user_id) & profile.c.account_email.is_(None)
        await tx.execute(update(profile).where(unknown).values(account_email=email))
        return False
    record(tx, ProfileUpdated(user_id=user_id, version=1, changed=["fullName"]))
    return True


async def change_email(tx: Tx, user_id: UUID, email: str, at: datetime) -> bool:
    """Store the account's new address, unless a later one is known; False then.

    A profile that shows the old address as its name shows the new one. Records `ProfileUpdated`.
    """
    its, mine = profile.c, profile.c.user_id == user_id
    before = (await tx.execute(select(profile).where(mine).with_for_update())).first()
    if before is None:  # its registration was discarded
        return await create(tx, user_id, email)
    if before.account_email_at is not None and before.account_email_at >= at:
        return False
    is_name = before.full_name == before.account_email
    await tx.execute(
        update(profile)
        .where(mine)
        .values(
            account_email=email,
            account_email_at=at,
            full_name=email if is_name else its.full_name,
            version=before.version + 1,
            updated_at=now(),
        )
    )
    names = ["accountEmail", "fullName"] if is_name else ["accountEmail"]
    record(tx, ProfileUpdated(user_id=user_id, version=before.version + 1, changed=names))
    return True


async def change(tx: Tx, user_id: UUID, changes: Fields) -> Row[Any]:
    """Set these columns and return the profile. Records `ProfileUpdated` if any value differs.

    Raises `NoProfileYet`.
    """
    mine = profile.c.user_id == user_id
    before = (await tx.execute(select(profile).where(mine).with_for_update())).first()
    if before is None:
        raise NoProfileYet(retry_after=1)
    differing = {n: v for n, v in changes.items() if v != getattr(before, n)}
    if not differing:
        return before
    changed = await tx.execute(
        update(profile)
        .where(mine)
        .values(**differing, version=before.version + 1, updated_at=now())
        .returning(profile)
    )
    record(
        tx,
        ProfileUpdated(
            user_id=user_id,
            version=before.version + 1,
            changed=sorted(to_camel(name) for name in differing),
        ),
    )
    row: Row[Any] = changed.one()
    return row


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the user's profile; returns how many there were."""
    gone = await tx.execute(delete(profile).where(profile.c.user_id == user_id))
    return gone.rowcount
