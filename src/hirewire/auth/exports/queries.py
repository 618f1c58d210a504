"""Queries for a person's exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from hirewire.auth.tables import data_export, data_export_part
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx

MOST_LISTED = 10
State = Literal["running", "ready", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class Listed:
    """An export, as its owner sees it."""

    id: UUID
    state: State
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    services: Sequence[str]
    """The services that make a part of it."""
    waiting_for: Sequence[str]
    """Those of them whose parts are not made yet."""


async def exports_of(tx: Tx, user_id: UUID) -> list[Listed]:
    """A person's exports, the newest first."""
    its, moment = data_export.c, now()
    result = await tx.execute(
        select(data_export)
        .where(its.user_id == user_id)
        .order_by(its.requested_at.desc(), its.id.desc())
        .limit(MOST_LISTED)
    )
    rows = result.all()
    part = data_export_part.c
    parts = await tx.execute(
        select(part.export_id, part.service, part.made_at)
        .where(among(part.export_id, [row.id for row in rows]))
        .order_by(part.service)
    )
    services: dict[UUID, list[str]] = {row.id: [] for row in rows}
    waiting: dict[UUID, list[str]] = {row.id: [] for row in rows}
    for row in parts:
        services[row.export_id].append(row.service)
        if row.made_at is None:
            waiting[row.export_id].append(row.service)
    return [
        Listed(
            id=row.id,
            state="expired" if row.state == "ready" and row.expires_at <= moment else row.state,
            requested_at=row.requested_at,
            ready_at=row.ready_at,
            expires_at=row.expires_at,
            services=services[row.id],
            waiting_for=waiting[row.id] if row.state == "running" else (),
        )
        for row in rows
    ]


async def downloadable(tx: Tx, user_id: UUID) -> Listed | None:
    """The export that the person can download now."""
    found = await exports_of(tx, user_id)
    return next((one for one in found if one.state == "ready"), None)
