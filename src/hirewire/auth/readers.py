"""Who reads the mails about an account."""

from uuid import UUID

from sqlalchemy import Row, Select, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def reader_of(tx: Tx, user_id: UUID) -> Row[str, str, str | None]:
    """The `email`, its `email_key` and the `language` of an existing user."""
    return (await tx.execute(_reader(user_id))).one()


async def reader_if_any(tx: Tx, user_id: UUID) -> Row[str, str, str | None] | None:
    """`reader_of`; None if there is no such user any more."""
    return (await tx.execute(_reader(user_id))).first()


def _reader(user_id: UUID) -> Select[str, str, str | None]:
    its = user.c
    return select(its.email, its.email_key, its.language).where(its.id == user_id)
