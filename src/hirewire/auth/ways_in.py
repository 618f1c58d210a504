"""The ways in which a user can sign in: the last one must not be taken away."""

from uuid import UUID

from sqlalchemy import func, select

from hirewire.auth.tables import identity, passkey, user
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.transaction import Tx


class LastWayIn(AppError):
    """This is the only way to sign in to the account: set a password first."""

    slug = "last-way-in"
    code = "last_way_in"
    kind = Kind.CONFLICT


async def keep_one(tx: Tx, user_id: UUID) -> None:
    """Raise `LastWayIn` unless the user has two ways in, of which one may go.

    The user's row is locked until the transaction ends: two ways at once cannot both go.
    """
    result = await tx.execute(
        select(user.c.password_hash.is_not(None)).where(user.c.id == user_id).with_for_update()
    )
    ways = 1 if result.scalar() else 0
    for table in (identity, passkey):
        counted = await tx.execute(
            select(func.count()).select_from(table).where(table.c.user_id == user_id)
        )
        ways += int(counted.scalar_one())
    if ways < 2:
        raise LastWayIn
