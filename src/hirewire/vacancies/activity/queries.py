"""What candidates did, read."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, tuple_

from hirewire.messaging.outbox import Tx
from hirewire.vacancies.tables import activity, resume


async def latest(tx: Tx, *, limit: int, after: tuple[datetime, int] | None) -> list[Row[Any]]:
    """Activity that may be seen, newest first, with what the resume is now."""
    statement = (
        select(activity, resume.c.snapshot)
        .join(resume, resume.c.resume_id == activity.c.resume_id)
        .where(activity.c.shown, resume.c.state != "unseen")
    )
    if after is not None:
        statement = statement.where(tuple_(activity.c.occurred_at, activity.c.position) < after)
    ordered = statement.order_by(activity.c.occurred_at.desc(), activity.c.position.desc())
    return list(await tx.execute(ordered.limit(limit)))
