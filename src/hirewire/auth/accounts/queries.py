"""Queries for accounts."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select

from hirewire.auth.tables import address_change, user
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


async def account(tx: Tx, id: UUID) -> Row[Any] | None:
    """A user's account as `Me` shows it; None for an unknown user."""
    its = address_change.c
    pending = and_(its.user_id == user.c.id, its.expires_at > now())
    result = await tx.execute(
        select(
            user.c.id,
            user.c.email,
            user.c.role,
            user.c.email_verified_at.is_not(None).label("email_verified"),
            user.c.password_hash.is_not(None).label("has_password"),
            its.email.label("pending_email"),
            user.c.language,
            user.c.time_zone,
        )
        .outerjoin(address_change, pending)
        .where(user.c.id == id)
    )
    return result.first()
