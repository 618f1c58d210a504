"""Queries for passkeys."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import passkey, user
from hirewire.messaging.transaction import Tx


async def passkeys(
    tx: Tx, user_id: UUID
) -> Sequence[Row[UUID, str, datetime, datetime | None, bytes]]:
    """A user's passkeys, the oldest first."""
    its = passkey.c
    result = await tx.execute(
        select(its.id, its.name, its.added_at, its.used_at, its.credential_id)
        .where(its.user_id == user_id)
        .order_by(its.added_at, its.id)
    )
    return result.all()


async def owned(tx: Tx, credential_id: bytes) -> Row[UUID, UUID, bytes, int, str] | None:
    """The passkey with this credential id, locked, with its owner's `email_key`; or None."""
    its = passkey.c
    result = await tx.execute(
        select(its.id, its.user_id, its.public_key, its.sign_count, user.c.email_key)
        .join(user, user.c.id == its.user_id)
        .where(its.credential_id == credential_id)
        .with_for_update(of=passkey)
    )
    return result.first()
