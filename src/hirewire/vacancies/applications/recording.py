"""Commands that record changes to an application: its history, messages and events."""

from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy import Row, insert

from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationSubmitted,
)
from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.applications import rules
from hirewire.vacancies.applications.rules import Stage
from hirewire.vacancies.parties import Asker, Party, Side
from hirewire.vacancies.tables import application_message, application_move


class Line(TypedDict):
    """A row of the history."""

    application_id: UUID
    from_stage: Stage | None
    to_stage: Stage
    side: Side
    user_id: UUID | None
    api_key: str | None
    comment: str | None
    shared: bool
    reason: str | None
    created_at: datetime


class Whose(TypedDict):
    """The ids in every event of an application."""

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID


async def move(tx: Tx, row: Row[Any], previous: Stage | None, **details: Any) -> None:
    """Add a history row and record its event."""
    entered = line(row, previous, **details)
    await tx.execute(insert(application_move).values(entered))
    stage_change(tx, row, previous, entered["reason"])


async def message(tx: Tx, row: Row[Any], side: Party, by: Asker, text: str) -> UUID:
    """Add a message and record its event; returns the message's id."""
    id = new_id()
    await tx.execute(
        insert(application_message).values(
            id=id,
            application_id=row.id,
            side=side,
            user_id=by.user_id,
            api_key=by.key_name,
            text=text,
            sent_at=now(),
        )
    )
    record(tx, ApplicationMessageSent(**_whose(row), side=side))
    return id


def submission(tx: Tx, row: Row[Any]) -> None:
    """Record `ApplicationSubmitted`."""
    whose = _whose(row)
    record(tx, ApplicationSubmitted(**whose, origin=row.origin, submitted_at=row.accepted_at))


def anonymised(tx: Tx, row: Row[Any]) -> None:
    """Record `ApplicationAnonymised`; the row is that of before."""
    record(
        tx,
        ApplicationAnonymised(application_id=row.id, resume_id=row.resume_id, user_id=row.user_id),
    )


def stage_change(
    tx: Tx,
    row: Row[Any],
    previous: Stage | None,
    reason: str | None,
    cause: Received[Any] | None = None,
) -> None:
    """Record `ApplicationStageChanged`."""
    event = ApplicationStageChanged(
        **_whose(row),
        previous_stage=previous,
        stage=row.stage,
        applicant_state=rules.applicant_state(rules.progress_of(row)),
        reason=reason,
    )
    record(tx, event, cause=cause)


def line(
    row: Row[Any],
    previous: Stage | None,
    *,
    side: Side,
    by: Asker | None = None,
    comment: str | None = None,
    shared: bool = False,
    reason: str | None = None,
) -> Line:
    """The history row of the change that produced this row; `previous` is the stage before."""
    return {
        "application_id": row.id,
        "from_stage": previous,
        "to_stage": row.stage,
        "side": side,
        "user_id": by.user_id if by is not None else None,
        "api_key": by.key_name if by is not None else None,
        "comment": comment,
        "shared": shared,
        "reason": reason,
        "created_at": row.updated_at,
    }


def _whose(row: Row[Any]) -> Whose:
    return {
        "application_id": row.id,
        "vacancy_id": row.vacancy_id,
        "company_id": row.company_id,
        "resume_id": row.resume_id,
        "user_id": row.user_id,
    }
