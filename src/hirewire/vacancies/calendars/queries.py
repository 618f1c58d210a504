"""Queries for interviews as calendars show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from hirewire.kit.calendars import Meeting
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.parties import Asker
from hirewire.vacancies.tables import (
    application,
    blocked_user,
    calendar_feed,
    company,
    interview,
    vacancy,
)

MOST = 200
"""The number of interviews in a feed."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """The agreed interviews of a person."""

    meetings: Sequence[Meeting]
    changed_at: datetime | None
    """When one of theirs was changed last, agreed or not."""


async def feed_of(tx: Tx, user_id: UUID) -> Row[Any] | None:
    """The feed of a person."""
    found = await tx.execute(select(calendar_feed).where(calendar_feed.c.user_id == user_id))
    row: Row[Any] | None = found.first()
    return row


async def is_blocked(tx: Tx, user_id: UUID) -> bool:
    """Whether an operator has blocked the person."""
    its = blocked_user.c
    found = await tx.execute(select(its.user_id).where(its.user_id == user_id, its.blocked))
    return found.first() is not None


async def agreed(tx: Tx, asker: Asker, site: str, since: datetime) -> Agreed:
    """What is in a person's feed: as an applicant all, as an employer what they proposed."""
    its, of = interview.c, application.c
    as_employer = and_(its.proposed_by == asker.user_id, of.company_id == asker.company_id)
    mine = or_(of.user_id == asker.user_id, as_employer)
    chosen = _selection(mine).where(its.state == "chosen", its.starts_at >= since)
    rows = await tx.execute(chosen.order_by(its.starts_at.desc(), its.id).limit(MOST))
    meetings = [_meeting(row, asker, site) for row in rows]
    changed = _selection(mine).with_only_columns(func.max(its.updated_at))
    return Agreed(meetings, (await tx.execute(changed)).scalar())


async def agreed_one(tx: Tx, asker: Asker, site: str, id: UUID) -> Meeting | None:
    """One agreed interview, for both sides of it; None if there is none."""
    of = application.c
    theirs = or_(of.user_id == asker.user_id, of.company_id == asker.company_id)
    chosen = _selection(theirs).where(interview.c.id == id, interview.c.state == "chosen")
    row = (await tx.execute(chosen)).first()
    return _meeting(row, asker, site) if row is not None else None


def _selection(whose: ColumnElement[bool]) -> Select[Any]:
    of = application.c
    return (
        select(
            interview,
            of.user_id,
            vacancy.c.title.label("vacancy_title"),
            company.c.name.label("company_name"),
            of.kept_resume["title"].astext.label("resume_title"),
        )
        .join(application, of.id == interview.c.application_id)
        .join(vacancy, vacancy.c.id == of.vacancy_id)
        .join(company, company.c.id == of.company_id)
        .where(whose)
    )


def _meeting(row: Row[Any], asker: Asker, site: str) -> Meeting:
    """The interview for a person's calendar: an applicant reads the company's name, an employer the
    title of the resume.
    """
    other = row.company_name if row.user_id == asker.user_id else row.resume_title
    return Meeting(
        id=row.id,
        version=row.version,
        changed_at=row.updated_at,
        starts_at=row.starts_at,
        minutes=row.minutes,
        time_zone=row.time_zone,
        about=" – ".join(part for part in (row.vacancy_title, other) if part),
        link=f"{site}/applications/{row.application_id}",
        place=row.place,
    )
