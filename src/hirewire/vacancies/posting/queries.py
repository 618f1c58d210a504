"""Queries for vacancies."""

from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Row, Subquery, and_, case, func, select, true, tuple_

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import is_operator
from hirewire.vacancies.errors import NotShown
from hirewire.vacancies.presenters import unread_for_company, vacancies_with_company, visible_to
from hirewire.vacancies.tables import application, recommendation, resume, vacancy

MOST_MATCHES = 1000
"""The limit up to which a vacancy's matching candidates are counted."""
Place = tuple[int, int, UUID]
"""A position in the overview: urgency, unread applications and id of the last item read."""


async def vacancy_for(
    tx: Tx,
    id: UUID,
    company_id: UUID | None,
    reader: UUID | None = None,
    *,
    may_be_operator: bool = False,
) -> Row[Any] | None:
    """A vacancy that was published, or one of this company's in any status; None for any other.

    Raises `NotShown` for a held one of another company; operators read it.
    """
    found = await tx.execute(vacancies_with_company(reader).where(vacancy.c.id == id))
    row: Row[Any] | None = found.first()
    if row is None or (row.published_at is None and row.company_id != company_id):
        return None
    if not row.held or row.company_id == company_id:
        return row
    if reader is None or not may_be_operator or not await is_operator(tx, reader):
        raise NotShown
    return row


async def overview(
    tx: Tx, company_id: UUID, user_id: UUID, *, limit: int, after: Place | None
) -> list[Row[Any]]:
    """A company's vacancies with their figures, as this member sees them.

    Those with unread applications come first, then by status, latest first.
    """
    received = _received(company_id, user_id)
    unread = func.coalesce(received.c.unread, 0)
    urgency = case(
        (and_(unread > 0, vacancy.c.status.in_(("published", "paused"))), 5),
        else_=case(
            {"published": 4, "draft": 3, "paused": 2, "closed": 1}, value=vacancy.c.status, else_=0
        ),
    )
    chosen = (
        select(
            *(vacancy.c.id, vacancy.c.title, vacancy.c.status, vacancy.c.area),
            *(vacancy.c.created_at, vacancy.c.published_at, vacancy.c.valid_through),
            vacancy.c.held,
            urgency.label("urgency"),
            unread.label("unread"),
            func.coalesce(received.c.all, 0).label("applications"),
        )
        .outerjoin(received, received.c.vacancy_id == vacancy.c.id)
        .where(vacancy.c.company_id == company_id)
    )
    if after is not None:
        chosen = chosen.where(tuple_(urgency, unread, vacancy.c.id) < after)
    page = chosen.order_by(urgency.desc(), unread.desc(), vacancy.c.id.desc()).limit(limit)
    shown = page.subquery("shown")
    matching = _matching(shown, company_id)
    counted = (
        select(
            shown,
            func.count(matching.c.state).label("matches"),
            func.count().filter(matching.c.state == "new").label("new_matches"),
        )
        .outerjoin(matching, true())
        .group_by(*shown.c)
        .order_by(shown.c.urgency.desc(), shown.c.unread.desc(), shown.c.id.desc())
    )
    return list(await tx.execute(counted))


def _received(company_id: UUID, user_id: UUID) -> Subquery:
    """The numbers of a company's applications and of those this member has not read, by vacancy."""
    table = application.c
    return (
        select(
            table.vacancy_id,
            func.count().label("all"),
            func.count().filter(unread_for_company(user_id)).label("unread"),
        )
        .where(table.company_id == company_id)
        .group_by(table.vacancy_id)
        .subquery("received")
    )


def _matching(shown: Subquery, company_id: UUID) -> FromClause:
    """The states of a vacancy's matching candidates: of the same ones as its list shows."""
    table = recommendation.c
    return (
        select(table.state)
        .join(resume, resume.c.resume_id == table.resume_id)
        .where(
            table.vacancy_id == shown.c.id,
            shown.c.status == "published",
            ~shown.c.held,
            table.withdrawn.is_(None),
            table.state != "dismissed",
            visible_to(company_id),
        )
        .limit(MOST_MATCHES)
        .lateral("matching")
    )
