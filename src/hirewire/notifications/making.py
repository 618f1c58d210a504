"""Makes notices: one for each event, person and kind, in the transaction of the event's handler.

Events that were recorded before this service began, or long ago, make none, and neither do blocked
people get any. The rows of the recipients are locked, so an erasure at the same time waits and
deletes the notice too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from hirewire.contracts.notifications import NoticeCreated
from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.retry import Later
from hirewire.messaging.transaction import Tx
from hirewire.notifications import restoring
from hirewire.notifications.kinds import Kind, Side
from hirewire.notifications.planning import hold_back, plan

E = TypeVar("E", bound=Event)
KEPT = timedelta(days=180)
"""Older notices are deleted, and older events make none."""
PATIENCE = timedelta(minutes=20)
"""How long notices wait until the owners have stated what was before, such as who hires for whom.
After that they are made for those who are known: an owner may not run here."""
SOON = timedelta(seconds=0.5)

_COMPANY = """
select p.user_id from employer e join person p using (user_id)
where e.company_id = $1 and e.user_id <> $2 and not p.is_blocked
order by p.user_id for key share of p
"""
_MEET = """
insert into person (user_id) select id from unnest($1::uuid[]) as u(id) order by id
on conflict do nothing
"""
_PEOPLE = """
select user_id from person where user_id = any($1::uuid[]) and not is_blocked
order by user_id for key share
"""
_MEET_MESSAGE = """
insert into counted_message (event_id, user_id, at)
select $1, u.id, $3 from unnest($2::uuid[]) as u(id) on conflict do nothing returning user_id
"""
_HAS_ENTRY = """
select distinct n.user_id from notice n
where n.interview_id = $1 and n.side = $2 and n.kind = 'interview_chosen' and n.mails > 0
    and n.user_id = $3
"""
_READ = "update notice set read_at = at where id = any($1::uuid[])"
_INSERT = """
insert into notice (id, user_id, kind, side, event_id, at, application_id, vacancy_id, company_id,
    resume_id, resume_title, detail, interview_id, starts_at, time_zone, minutes)
select id, user_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
from unnest($1::uuid[], $2::uuid[]) as u(id, user_id)
on conflict do nothing returning id, user_id
"""
_COUNT = """
insert into notice as n (id, user_id, kind, side, event_id, at, application_id, vacancy_id,
    company_id, resume_id, resume_title, detail, about_id)
select id, user_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $7
from unnest($1::uuid[], $2::uuid[]) as u(id, user_id)
on conflict (user_id, kind, about_id)
    where about_id is not null and read_at is null and withdrawn_at is null
do update set count = n.count + 1 returning id, user_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewTime:
    """What a notice says of an interview."""

    id: UUID
    starts_at: datetime | None = None
    time_zone: str | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notice is about."""

    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID | None
    applicant_id: UUID
    application_id: UUID | None = None
    resume_title: str | None = None
    """Of the resume, if the recipients may read it."""
    detail: str | None = None
    interview: InterviewTime | None = None


def recorded_at(received: Received[Any]) -> datetime:
    """When an event was recorded; an external publisher may not say so, or say something odd."""
    moment = now()
    return min(received.time or moment, moment)


async def due(tx: Tx, received: Sequence[Received[E]]) -> Sequence[Received[E]]:
    """The events that make notices: neither from before this service, nor old.

    Raises `Later` for these while it is not known yet who there is: what was before this service is
    still on its way.
    """
    row = (await tx.exec_driver_sql("select at, complete_at from beginning")).one()
    moment = now()
    oldest = max(row.at, moment - KEPT)
    found = [one for one in received if recorded_at(one) >= oldest]
    passed = moment - row.at
    if found and row.complete_at is None and passed < PATIENCE:
        raise Later(max(SOON, passed / 20), "what was before this service is still on its way")
    return found


async def recipients(tx: Tx, side: Side, subject: Subject) -> list[UUID]:
    """Who gets a notice. Locks their rows."""
    if side == "applicant":
        return await met(tx, [subject.applicant_id])
    rows = await tx.exec_driver_sql(_COMPANY, (subject.company_id, subject.applicant_id))
    return [UUID(str(row.user_id)) for row in rows]


async def met(tx: Tx, user_ids: Collection[UUID]) -> list[UUID]:
    """Those of these people who are not blocked. Locks their rows.

    They may be known here by an event about them only: the registration comes from another service.
    """
    people = (list(user_ids),)
    await tx.exec_driver_sql(_MEET, people)
    rows = await tx.exec_driver_sql(_PEOPLE, people)
    return [UUID(str(row.user_id)) for row in rows]


async def make(tx: Tx, received: Received[Any], kind: Kind, side: Side, subject: Subject) -> None:
    """Make the notices of an event to one side. Records `NoticeCreated` for each."""
    if await due(tx, [received]):
        people = await recipients(tx, side, subject)
        await _make(tx, _INSERT, received, kind, side, subject, people)


async def make_for_entry(
    tx: Tx, received: Received[Any], side: Side, subject: Subject, user_id: UUID
) -> None:
    """Make the notice of their own side's act that takes an agreed time out of a person's calendar.

    It is read, for they know it; its mail has the file. Who was not mailed the entry gets none.
    """
    if subject.interview and await due(tx, [received]):
        values = (subject.interview.id, side, user_id)
        rows = await tx.exec_driver_sql(_HAS_ENTRY, values)
        people = await met(tx, [row.user_id for row in rows])
        kind: Kind = "interview_cancelled"
        await _make(tx, _INSERT, received, kind, side, subject, people, is_read=True)


async def make_for_message(tx: Tx, received: Received[Any], side: Side, subject: Subject) -> None:
    """Count a message in the unread notice about its application, or make one.

    Which messages are counted is stored, for the inbox may have forgotten this one. Records
    `NoticeCreated` for each new notice.
    """
    if await due(tx, [received]):
        people = await recipients(tx, side, subject)
        values = (received.original_id, people, recorded_at(received))
        new = await tx.exec_driver_sql(_MEET_MESSAGE, values)
        uncounted = {row.user_id for row in new}
        people = [one for one in people if one in uncounted]
        await _make(tx, _COUNT, received, "message", side, subject, people)


async def _make(
    tx: Tx,
    statement: str,
    received: Received[Any],
    kind: Kind,
    side: Side,
    subject: Subject,
    people: Sequence[UUID],
    *,
    is_read: bool = False,
) -> None:
    if not people:
        return
    at = recorded_at(received)
    ids = [new_id() for _ in people]
    made = await tx.exec_driver_sql(
        statement,
        (
            ids,
            people,
            kind,
            side,
            received.original_id,
            at,
            subject.application_id,
            subject.vacancy_id,
            subject.company_id,
            subject.resume_id,
            subject.resume_title,
            subject.detail,
            *(_of_interview(subject) if statement is _INSERT else ()),
        ),
    )
    rows = made.all()
    notices = [row.id for row in rows]
    if is_read:
        await tx.exec_driver_sql(_READ, (notices,))
    if await restoring.held(tx, [received]):
        await hold_back(tx, notices)
    else:
        await plan(tx, kind, notices)
    new = {str(id) for id in ids}
    announce(tx, received, kind, at, [(r.id, r.user_id) for r in rows if str(r.id) in new])


def _of_interview(subject: Subject) -> tuple[object, ...]:
    its = subject.interview
    return (its.id, its.starts_at, its.time_zone, its.minutes) if its else (None,) * 4


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
