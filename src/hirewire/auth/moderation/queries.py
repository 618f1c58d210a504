"""Queries for the reader of a mail."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def reader(tx: Tx, id: UUID) -> Row[str, str | None] | None:
    """The address and the language of a user; None if there is none any more."""
    result = await tx.execute(select(user.c.email, user.c.language).where(user.c.id == id))
    return result.first()
