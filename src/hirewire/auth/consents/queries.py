"""Queries for consents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import consent
from hirewire.messaging.transaction import Tx


async def consents_of(
    tx: Tx, user_id: UUID
) -> Sequence[Row[str, datetime, str | None, str | None]]:
    """The consents of a user, the latest first."""
    its = consent.c
    result = await tx.execute(
        select(its.version, its.given_at, its.device, its.network)
        .where(its.user_id == user_id)
        .order_by(its.given_at.desc(), its.version.desc())
    )
    return result.all()
