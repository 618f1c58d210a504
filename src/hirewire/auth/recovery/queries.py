"""Queries for the account whose password is to change."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def reader_at(tx: Tx, email_key: str) -> Row[UUID, str, str | None] | None:
    """The id, stored address and language of an account; None if there is none."""
    result = await tx.execute(
        select(user.c.id, user.c.email, user.c.language).where(user.c.email_key == email_key)
    )
    return result.first()


async def reader(tx: Tx, id: UUID) -> Row[str, str, str | None]:
    """The address, its key and the language of an existing user."""
    result = await tx.execute(
        select(user.c.email, user.c.email_key, user.c.language).where(user.c.id == id)
    )
    return result.one()
