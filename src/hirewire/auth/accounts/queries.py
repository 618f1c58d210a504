"""Queries for accounts."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def account(tx: Tx, id: UUID) -> Row[UUID, str, str] | None:
    """The id, e-mail address and role of a user; None for an unknown user."""
    result = await tx.execute(select(user.c.id, user.c.email, user.c.role).where(user.c.id == id))
    return result.first()
