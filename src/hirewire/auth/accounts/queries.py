"""Queries for accounts."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def account(tx: Tx, id: UUID) -> Row[UUID, str, str, bool] | None:
    """The id, e-mail address, role and `email_verified` of a user; None for an unknown user."""
    result = await tx.execute(
        select(
            user.c.id,
            user.c.email,
            user.c.role,
            user.c.email_verified_at.is_not(None).label("email_verified"),
        ).where(user.c.id == id)
    )
    return result.first()
