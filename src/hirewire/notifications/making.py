"""Makes notices: one for each event, person and kind, in the transaction of the event's handler.

Events that were recorded before this service began, or long ago, make none, and neither do blocked
people get any. The rows of the recipients are locked, so an erasure at the same time waits and
deletes the notice too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, TypeVar
from uuid import UUID

from hirewire.contracts.notifications import NoticeCreated
from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

E = TypeVar("E", bound=Event)
Kind: TypeAlias = Literal[
    "application_received",
    "application_answered",
    "application_moved",
    "invitation",
    "message",
    "vacancy_closed",
    "recommended_candidate",
    "recommended_vacancy",
]
Side: TypeAlias = Literal["applicant", "employer"]
KEPT = timedelta(days=180)
"""Older notices are deleted, and older events make none."""

_COMPANY = """
select p.user_id from employer e join person p using (user_id)
where e.company_id = $1 and e.user_id <> $2 and not p.is_blocked
order by p.user_id for key share of p
"""
_MEET = "insert into person (user_id) values ($1) on conflict do nothing"
_PERSON = "select user_id from person where user_id = $1 and not is_blocked for key share"
_INSERT = """
insert into notice (id, user_id, kind, side, event_id, at, application_id, vacancy_id, company_id,
    resume_id, resume_title, detail)
select id, user_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
from unnest($1::uuid[], $2::uuid[]) as u(id, user_id)
on conflict (event_id, user_id, kind) do nothing returning id, user_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notice is about."""

    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    applicant_id: UUID
    application_id: UUID | None = None
    resume_title: str | None = None
    """Of the resume, if the recipients may read it."""
    detail: str | None = None


def recorded_at(received: Received[Any]) -> datetime:
    """When an event was recorded; an external publisher may not say so, or say something odd."""
    moment = now()
    return min(received.time or moment, moment)


async def due(tx: Tx, received: Sequence[Received[E]]) -> Sequence[Received[E]]:
    """The events that make notices: neither from before this service, nor old."""
    began = (await tx.exec_driver_sql("select at from beginning")).scalar_one()
    oldest = max(began, now() - KEPT)
    return [one for one in received if recorded_at(one) >= oldest]


async def recipients(tx: Tx, side: Side, subject: Subject) -> list[UUID]:
    """Who gets a notice. Locks their rows.

    An applicant may be known here by this event only: the registration comes from another service.
    """
    if side == "employer":
        rows = await tx.exec_driver_sql(_COMPANY, (subject.company_id, subject.applicant_id))
    else:
        await tx.exec_driver_sql(_MEET, (subject.applicant_id,))
        rows = await tx.exec_driver_sql(_PERSON, (subject.applicant_id,))
    return [UUID(str(row.user_id)) for row in rows]


async def make(tx: Tx, received: Received[Any], kind: Kind, side: Side, subject: Subject) -> None:
    """Make the notices of an event to one side. Records `NoticeCreated` for each."""
    if not await due(tx, [received]):
        return
    people = await recipients(tx, side, subject)
    if not people:
        return
    at = recorded_at(received)
    made = await tx.exec_driver_sql(
        _INSERT,
        (
            [new_id() for _ in people],
            people,
            kind,
            side,
            received.id,
            at,
            subject.application_id,
            subject.vacancy_id,
            subject.company_id,
            subject.resume_id,
            subject.resume_title,
            subject.detail,
        ),
    )
    announce(tx, received, kind, at, [(row.id, row.user_id) for row in made])


def announce(
    tx: Tx,
    received: Received[Any],
    kind: Kind,
    at: datetime,
    made: Sequence[tuple[UUID, UUID]],
) -> None:
    """Record `NoticeCreated` for notices with these ids, each of a person."""
    for id, user_id in made:
        record(tx, NoticeCreated(notice_id=id, user_id=user_id, kind=kind, at=at), cause=received)
