"""Queries for the address of a user."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def address(tx: Tx, id: UUID) -> Row[str, str, str | None, datetime | None] | None:
    """The address, its key, the language and the time of verification; None without the user."""
    its = user.c
    result = await tx.execute(
        select(its.email, its.email_key, its.language, its.email_verified_at).where(its.id == id)
    )
    return result.first()
