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
