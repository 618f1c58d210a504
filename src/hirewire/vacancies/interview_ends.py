"""What happens to interviews when their application ends, and the event of their end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict
from uuid import UUID

from sqlalchemy import Row, and_, delete, or_, select, update

from hirewire.contracts.vacancies import InterviewAbandoned, InterviewCancelled
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.messaging.envelope import Received
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.parties import Side
from hirewire.vacancies.tables import interview

Reason = Literal["called_off", "application_ended", "account_deleted", "expired"]


class Whose(TypedDict):
    """The members of every event of an interview."""

    interview_id: UUID
    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    employer_id: UUID | None
    version: int


def whose(row: Row[Any], application: Row[Any]) -> Whose:
    """The members of every event of this interview."""
    return {
        "interview_id": row.id,
        "application_id": application.id,
        "vacancy_id": application.vacancy_id,
        "company_id": application.company_id,
        "resume_id": application.resume_id,
        "user_id": application.user_id,
        "employer_id": row.proposed_by,
        "version": row.version,
    }


def cancelled(
    tx: Tx,
    row: Row[Any],
    application: Row[Any],
    side: Side,
    reason: Reason,
    called_off: datetime | None,
    cause: Received[Any] | None = None,
) -> None:
    """Record `InterviewCancelled`."""
    event = InterviewCancelled(
        **whose(row, application), side=side, reason=reason, called_off=called_off
    )
    record(tx, event, cause=cause)


def _abandoned(tx: Tx, row: Row[Any], application: Row[Any]) -> None:
    """Record `InterviewAbandoned` of an agreed interview; it says nothing of the candidate."""
    if row.starts_at is None:
        return
    event = InterviewAbandoned(
        interview_id=row.id,
        application_id=application.id,
        vacancy_id=application.vacancy_id,
        company_id=application.company_id,
        employer_id=row.proposed_by,
        version=row.version,
        time_zone=row.time_zone,
        minutes=row.minutes,
        called_off=row.starts_at,
    )
    record(tx, event)


async def call_off(
    tx: Tx,
    applications: Sequence[Row[Any]],
    side: Side,
    reason: Reason = "application_ended",
    cause: Received[Any] | None = None,
) -> None:
    """Call off what is still ahead of these applications, which have ended and are locked.

    Records `InterviewCancelled`, or `InterviewAbandoned` if the candidate is erased.
    """
    by_id = {row.id: row for row in applications}
    moment, its = now(), interview.c
    ahead = or_(
        its.state == "proposed",
        its.state == "asked",
        and_(its.state == "chosen", its.starts_at > moment),
    )
    chosen = select(its.id).where(among(its.application_id, by_id), ahead).order_by(its.id)
    ids = (await tx.execute(chosen.with_for_update())).scalars().all()
    if not ids:
        return
    changed = await tx.execute(
        update(interview)
        .where(among(its.id, ids))
        .values(state="cancelled", cancelled_by=side, version=its.version + 1, updated_at=moment)
        .returning(interview)
    )
    for row in sorted(changed, key=lambda row: row.id):
        if reason == "account_deleted":
            _abandoned(tx, row, by_id[row.application_id])
            continue
        cancelled(tx, row, by_id[row.application_id], side, reason, row.starts_at, cause)


async def forget(tx: Tx, application_ids: Sequence[UUID]) -> int:
    """Delete the interviews of applications that become nameless; returns how many."""
    gone = await tx.execute(
        delete(interview).where(among(interview.c.application_id, application_ids))
    )
    return gone.rowcount
