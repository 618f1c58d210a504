"""Queries for the security log."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select, tuple_

from hirewire.auth.security_log.rules import What
from hirewire.auth.tables import security_event
from hirewire.messaging.transaction import Tx


async def events(
    tx: Tx, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None
) -> Sequence[Row[UUID, str, datetime, str | None, str | None]]:
    """What happened to an account, the latest first."""
    its = security_event.c
    chosen = select(its.id, its.what, its.at, its.device, its.network).where(its.user_id == user_id)
    if after is not None:
        chosen = chosen.where(tuple_(its.at, its.id) < after)
    result = await tx.execute(chosen.order_by(its.at.desc(), its.id.desc()).limit(limit))
    return result.all()


async def times_since(tx: Tx, user_id: UUID, what: What, since: datetime) -> int:
    """How often an act was noted since this time."""
    its = security_event.c
    result = await tx.execute(
        select(func.count()).where(its.user_id == user_id, its.what == what, its.at > since)
    )
    return int(result.scalar_one())
