"""Queries for reports and decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, tuple_

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.moderation.rules import Target
from hirewire.vacancies.tables import (
    company,
    decision,
    employer_profile,
    report,
    reported,
    vacancy,
)

Place = tuple[int, datetime, UUID]
"""A position in the queue: reports, time and id of the last item read."""
Order = Literal["newest", "most"]
MOST_REPORTS = 50
"""The number of latest reports of one target that are shown."""
MOST_DECISIONS = 50


def _selection() -> Select[Any]:
    """Reported targets, with their names and whether they are taken down."""
    is_down = func.coalesce(vacancy.c.taken_down, company.c.taken_down)
    return (
        select(
            reported,
            func.coalesce(vacancy.c.title, company.c.name).label("name"),
            company.c.name.label("company_name"),
            is_down.label("taken_down"),
        )
        .join(company, company.c.id == reported.c.company_id)
        .outerjoin(
            vacancy, and_(reported.c.target == "vacancy", vacancy.c.id == reported.c.target_id)
        )
    )


def _waits() -> ColumnElement[bool]:
    return or_(reported.c.reports > 0, reported.c.is_answered)


async def waiting(tx: Tx, order: Order, *, limit: int, after: Place | None) -> list[Row[Any]]:
    """What waits for a decision: the latest first, or the most often reported."""
    its = reported.c
    place = (its.at, its.target_id) if order == "newest" else (its.reports, its.at, its.target_id)
    statement = _selection().where(_waits())
    if after is not None:
        statement = statement.where(tuple_(*place) < after[-len(place) :])
    ordered = statement.order_by(*(column.desc() for column in place))
    return list(await tx.execute(ordered.limit(limit)))


async def waiting_count(tx: Tx) -> int:
    """How many vacancies and companies wait for a decision."""
    statement = select(func.count()).select_from(reported).where(_waits())
    return int((await tx.execute(statement)).scalar_one())


async def reasons_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """How often each reason is given in the undecided reports of each target, most often first."""
    count = func.count().label("count")
    rows = await tx.execute(
        select(report.c.target_id, report.c.reason, count)
        .where(among(report.c.target_id, ids), report.c.decision_id.is_(None))
        .group_by(report.c.target_id, report.c.reason)
        .order_by(count.desc(), report.c.reason)
    )
    found: dict[UUID, list[Row[Any]]] = {id: [] for id in ids}
    for row in rows:
        found[row.target_id].append(row)
    return found


async def one(tx: Tx, target: Target, id: UUID) -> Row[Any] | None:
    """One vacancy or company that was reported or decided about."""
    chosen = _selection().where(reported.c.target_id == id, reported.c.target == target)
    row: Row[Any] | None = (await tx.execute(chosen)).first()
    return row


async def reports_of(tx: Tx, id: UUID) -> list[Row[Any]]:
    """The latest undecided reports of a target."""
    chosen = select(report).where(report.c.target_id == id, report.c.decision_id.is_(None))
    return list(await tx.execute(chosen.order_by(report.c.id.desc()).limit(MOST_REPORTS)))


async def decisions_of(tx: Tx, id: UUID) -> list[Row[Any]]:
    """The decisions about a target, latest first."""
    chosen = select(decision).where(decision.c.target_id == id)
    return list(await tx.execute(chosen.order_by(decision.c.id.desc()).limit(MOST_DECISIONS)))


async def own_company(tx: Tx, target_id: UUID, company_id: UUID) -> bool:
    """Whether this vacancy or company is the company's own."""
    if target_id == company_id:
        return True
    its = select(vacancy.c.id).where(vacancy.c.id == target_id, vacancy.c.company_id == company_id)
    return (await tx.execute(its)).first() is not None


async def members(tx: Tx, company_id: UUID) -> list[UUID]:
    """The people who act for a company."""
    rows = await tx.execute(
        select(employer_profile.c.user_id)
        .where(employer_profile.c.company_id == company_id)
        .order_by(employer_profile.c.user_id)
    )
    return [row.user_id for row in rows]
