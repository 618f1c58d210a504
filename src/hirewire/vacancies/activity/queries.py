"""Queries for candidates' activity."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, tuple_

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.presenters import hidden_from
from hirewire.vacancies.tables import activity, resume


async def latest(
    tx: Tx, company_id: UUID, *, limit: int, after: tuple[datetime, int] | None
) -> list[Row[Any]]:
    """Activity that this company may see, newest first, with the current state of each resume."""
    statement = (
        select(activity, resume.c.snapshot)
        .join(resume, resume.c.resume_id == activity.c.resume_id)
        .where(activity.c.shown, resume.c.state != "unseen", ~hidden_from(company_id))
    )
    if after is not None:
        statement = statement.where(tuple_(activity.c.occurred_at, activity.c.position) < after)
    ordered = statement.order_by(activity.c.occurred_at.desc(), activity.c.position.desc())
    return list(await tx.execute(ordered.limit(limit)))
