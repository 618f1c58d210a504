"""Queries for interviews."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, or_, select

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.interviews.rules import Span
from hirewire.vacancies.parties import Party
from hirewire.vacancies.tables import application, company, interview, vacancy


def _selection() -> Select[Any]:
    its = application.c
    return (
        select(
            interview,
            its.vacancy_id,
            its.company_id,
            its.resume_id,
            its.user_id,
            vacancy.c.title.label("vacancy_title"),
            company.c.name.label("company_name"),
        )
        .join(application, its.id == interview.c.application_id)
        .join(vacancy, vacancy.c.id == its.vacancy_id)
        .join(company, company.c.id == its.company_id)
    )


async def interview_of(tx: Tx, id: UUID) -> Row[Any] | None:
    """An interview with its vacancy's title and its company's name."""
    found = await tx.execute(_selection().where(interview.c.id == id))
    row: Row[Any] | None = found.first()
    return row


async def application_of(tx: Tx, id: UUID) -> Row[Any] | None:
    """Whose application it is."""
    its = application.c
    found = await tx.execute(select(application).where(its.id == id))
    row: Row[Any] | None = found.first()
    return row


async def of_application(tx: Tx, id: UUID) -> list[Row[Any]]:
    """The interviews of an application, the latest first."""
    chosen = _selection().where(interview.c.application_id == id)
    return list(await tx.execute(chosen.order_by(interview.c.id.desc())))


async def ahead(
    tx: Tx,
    party: Party,
    user_id: UUID,
    company_id: UUID | None,
    moment: datetime,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Row[Any]]:
    """The interviews that are ahead of a person, or of their company: agreed and proposed ones,
    in the order of their times.
    """
    its = interview.c
    is_ahead = or_(
        and_(its.state == "chosen", its.starts_at > moment),
        and_(its.state == "proposed", its.last_at > moment),
        its.state == "asked",
    )
    of = application.c
    whose = (
        of.user_id == user_id
        if party == "applicant"
        else and_(of.company_id == company_id, of.user_id != user_id)
    )
    when = func.coalesce(its.starts_at, its.last_at)
    chosen = _selection().add_columns(when.label("when")).where(whose, is_ahead)
    if after is not None:
        chosen = chosen.where(or_(when > after[0], and_(when == after[0], its.id > after[1])))
    return list(await tx.execute(chosen.order_by(when, its.id).limit(limit)))


async def taken(tx: Tx, people: Sequence[UUID], moment: datetime) -> dict[UUID, list[Row[Any]]]:
    """What is ahead of each of these members of companies, by person."""
    its = interview.c
    is_ahead = or_(
        and_(its.state == "chosen", its.starts_at > moment),
        and_(its.state == "proposed", its.last_at > moment),
    )
    chosen = select(interview).where(among(its.proposed_by, people), is_ahead)
    found: dict[UUID, list[Row[Any]]] = {}
    for row in await tx.execute(chosen.order_by(its.id)):
        found.setdefault(row.proposed_by, []).append(row)
    return found


def spans(row: Row[Any]) -> list[Span]:
    """The times that an interview takes, or may take."""
    starts = [row.starts_at] if row.state == "chosen" else row.slots
    return [Span(start, row.minutes) for start in starts]
