"""What mails about notices say: the state at the moment when they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from hirewire.messaging.transaction import Tx
from hirewire.notifications.calendar_files import AboutInterview
from hirewire.notifications.kinds import FOR_CALENDARS, MOVED

MOST_ITEMS = 20
"""Notices that a mail shows. Of more it says how many."""
MOST_NAMES = 5
"""Matches that a mail names for one notice."""

_READERS = """
select user_id, email, language, unsubscribe_key from person
where user_id = any($1::uuid[]) and email is not null and is_verified and not is_blocked
    and mail_stopped_at is null
"""
_ITEMS = """
select * from (
    select n.id, n.user_id, n.kind, n.side, n.at, n.mail_id, n.mails, n.detail, n.application_id,
        n.vacancy_id, n.company_id, n.resume_id, n.resume_title, n.about_id,
        n.mailed_count - n.mailed_before as events,
        v.title as vacancy_title, c.name as company_name,
        n.starts_at as said_start, n.time_zone as said_zone, n.minutes as said_minutes,
        i.id as interview_id, i.version, i.state, i.starts_at, i.minutes, i.time_zone, i.place,
        i.at as changed_at, i.employer_id,
        count(*) over mail as total, row_number() over (mail order by n.id desc) as nth
    from notice n
    left join vacancy v on v.id = n.vacancy_id
    left join company c on c.id = n.company_id
    left join interview i on i.id = n.interview_id
    left join preference f on f.user_id = n.user_id and f.kind = n.kind
    where n.mail_id = any($1::uuid[]) and n.withdrawn_at is null
        and (n.read_at is null or n.kind = any($3::text[]) or n.detail = $4
            or n.kind = 'interview_declined' and n.starts_at is not null)
        and f.mail is distinct from 'off'
    window mail as (partition by n.mail_id)
) as found where nth <= $2
"""
_NAMES = """
select u.id as notice_id, m.total, m.vacancy_title, m.company_name, m.resume_title
from unnest($1::uuid[], $2::integer[], $3::text[]) as u(id, mails, side),
lateral (
    select count(*) over () as total, v.title as vacancy_title, c.name as company_name,
        r.title as resume_title
    from (
        select nm.vacancy_id, nm.resume_id from notice_match nm
        where nm.notice_id = u.id and nm.mails = u.mails - 1
        union all
        select f.vacancy_id, null from found_vacancy f
        where f.notice_id = u.id and f.mails = u.mails - 1
    ) as nm
    left join vacancy v on u.side = 'applicant' and v.id = nm.vacancy_id
    left join company c on c.id = v.company_id
    left join resume r on u.side = 'employer' and r.id = nm.resume_id
        and r.is_visible and not r.is_deleted
    limit $4
) as m
"""
_MATCHES = ("recommended_candidate", "recommended_vacancy", "saved_search")


@dataclass(frozen=True, slots=True)
class Name:
    """A match: a vacancy, or the title of a resume that the company may read."""

    title: str | None
    company: str | None = None


@dataclass(frozen=True, slots=True)
class Time:
    """The time of an interview."""

    starts_at: datetime
    minutes: int
    time_zone: str


@dataclass(slots=True)
class Item:
    """A notice as a mail shows it."""

    id: UUID
    kind: str
    side: str
    at: datetime
    count: int
    """How many messages or matches are new since the last mail."""
    detail: str | None
    application_id: UUID | None
    vacancy_id: UUID | None
    resume_id: UUID | None
    about_id: UUID | None
    """What it is grouped by: of `saved_search` the search."""
    vacancy_title: str | None
    company_name: str | None
    resume_title: str | None
    names: list[Name]
    time: Time | None = None
    """Of an interview, as the notice says it."""
    interview: AboutInterview | None = None
    """The interview as it stands now."""


@dataclass(slots=True)
class Mail:
    """What is to be said to whom."""

    user_id: UUID
    email: str
    language: str | None
    unsubscribe_key: UUID
    items: list[Item]
    total: int = 0
    """How many notices there are, with those that are not shown."""


async def mails(tx: Tx, ids: Sequence[tuple[UUID, UUID]]) -> dict[UUID, Mail]:
    """The content of mails, each to a person. What was read, withdrawn or switched off meanwhile is
    left out, and so is a mail that has nothing left to say, or nobody to say it to.
    """
    readers = {
        row.user_id: row
        for row in await tx.exec_driver_sql(_READERS, ([user_id for _, user_id in ids],))
    }
    found: dict[UUID, Mail] = {}
    for id, user_id in ids:
        if (one := readers.get(user_id)) is not None:
            found[id] = Mail(user_id, one.email, one.language, one.unsubscribe_key, [])
    matches: dict[UUID, tuple[UUID, int, Item]] = {}
    values = (list(found), MOST_ITEMS, list(FOR_CALENDARS), MOVED)
    for row in await tx.exec_driver_sql(_ITEMS, values):
        item = Item(
            id=row.id,
            kind=row.kind,
            side=row.side,
            at=row.at,
            count=max(row.events, 1),
            detail=row.detail,
            application_id=row.application_id,
            vacancy_id=row.vacancy_id,
            resume_id=row.resume_id,
            about_id=row.about_id,
            vacancy_title=row.vacancy_title,
            company_name=row.company_name,
            resume_title=row.resume_title,
            names=[],
            time=_time(row),
            interview=_interview(row),
        )
        found[row.mail_id].total = row.total
        if row.kind in _MATCHES:
            matches[row.id] = (row.mail_id, row.mails, item)
        else:
            found[row.mail_id].items.append(item)
    if matches:
        await _name(tx, found, matches)
    return {id: mail for id, mail in found.items() if mail.items}


def _time(row: Row[Any]) -> Time | None:
    if row.said_start is None:
        return None
    return Time(row.said_start, row.said_minutes or 0, row.said_zone or "UTC")


def _interview(row: Row[Any]) -> AboutInterview | None:
    if row.interview_id is None:
        return None
    return AboutInterview(
        id=row.interview_id,
        application_id=row.application_id,
        version=row.version,
        state=row.state,
        starts_at=row.starts_at,
        minutes=row.minutes,
        time_zone=row.time_zone,
        place=row.place,
        at=row.changed_at,
        employer_id=row.employer_id,
    )


async def _name(
    tx: Tx, found: dict[UUID, Mail], matches: dict[UUID, tuple[UUID, int, Item]]
) -> None:
    """Add what was matched since the last mail; a notice without any says nothing."""
    sides = [item.side for _, _, item in matches.values()]
    mails = [nth for _, nth, _ in matches.values()]
    rows = await tx.exec_driver_sql(_NAMES, (list(matches), mails, sides, MOST_NAMES))
    for row in rows:
        mail_id, _, item = matches[row.notice_id]
        if not item.names:
            found[mail_id].items.append(item)
        item.count = row.total
        item.names.append(Name(row.vacancy_title or row.resume_title, row.company_name))
