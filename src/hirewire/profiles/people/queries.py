"""Queries for profiles."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.messaging.transaction import Tx
from hirewire.profiles.tables import profile


async def profile_of(tx: Tx, user_id: UUID) -> Row[Any] | None:
    """The user's profile."""
    return (await tx.execute(select(profile).where(profile.c.user_id == user_id))).first()
