"""Queries for accounts."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def account(tx: Tx, id: UUID) -> Row[UUID, str, str, bool, bool] | None:
    """The id, e-mail address, role, `email_verified` and `has_password` of a user.

    None for an unknown user.
    """
    result = await tx.execute(
        select(
            user.c.id,
            user.c.email,
            user.c.role,
            user.c.email_verified_at.is_not(None).label("email_verified"),
            user.c.password_hash.is_not(None).label("has_password"),
        ).where(user.c.id == id)
    )
    return result.first()
