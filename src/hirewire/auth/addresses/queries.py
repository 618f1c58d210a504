"""Queries for the address of an account, and for the one that is to follow it."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import address_change, user
from hirewire.messaging.transaction import Tx


async def asked_change(tx: Tx, user_id: UUID) -> Row[str, str] | None:
    """The address that a user has asked for, and its key; locked."""
    its = address_change.c
    result = await tx.execute(
        select(its.email, its.email_key).where(its.user_id == user_id).with_for_update()
    )
    return result.first()


async def has_another_owner(tx: Tx, email_key: str, user_id: UUID) -> bool:
    """Whether another account has this address."""
    result = await tx.execute(
        select(user.c.id).where(user.c.email_key == email_key, user.c.id != user_id)
    )
    return result.first() is not None
