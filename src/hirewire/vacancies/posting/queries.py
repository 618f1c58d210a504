"""Vacancies, read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, tuple_

from hirewire.messaging.outbox import Tx
from hirewire.vacancies.tables import company, vacancy


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to."""

    q: str | None = None
    area: str | None = None
    work_format: str | None = None
    employment_type: str | None = None
    company_id: UUID | None = None


def _with_company() -> Select[Any]:
    return select(vacancy, company.c.name.label("company_name")).join(
        company, company.c.id == vacancy.c.company_id
    )


async def vacancy_for(tx: Tx, id: UUID, company_id: UUID | None) -> Row[Any] | None:
    """A vacancy that was published, or (whatever its status) one of this company's."""
    row: Row[Any] | None = (await tx.execute(_with_company().where(vacancy.c.id == id))).first()
    if row is None or (row.published_at is None and row.company_id != company_id):
        return None
    return row


async def published(
    tx: Tx, filters: Filters, *, limit: int, after: tuple[datetime, UUID] | None
) -> list[Row[Any]]:
    """Open vacancies, the latest published first."""
    statement = _narrowed(_with_company().where(vacancy.c.status == "published"), filters)
    order = tuple_(vacancy.c.published_at, vacancy.c.id)
    if after is not None:
        statement = statement.where(order < after)
    statement = statement.order_by(vacancy.c.published_at.desc(), vacancy.c.id.desc())
    return list(await tx.execute(statement.limit(limit)))


async def vacancies_of(
    tx: Tx, company_id: UUID, filters: Filters, *, limit: int, after: UUID | None
) -> list[Row[Any]]:
    """All of a company's, the latest made first."""
    statement = _narrowed(_with_company().where(vacancy.c.company_id == company_id), filters)
    if after is not None:
        statement = statement.where(vacancy.c.id < after)
    return list(await tx.execute(statement.order_by(vacancy.c.id.desc()).limit(limit)))


def _narrowed(statement: Select[Any], filters: Filters) -> Select[Any]:
    if filters.q:
        statement = statement.where(vacancy.c.title.icontains(filters.q, autoescape=True))
    if filters.area:
        statement = statement.where(vacancy.c.area == filters.area)
    if filters.work_format:
        statement = statement.where(vacancy.c.work_format == filters.work_format)
    if filters.employment_type:
        statement = statement.where(vacancy.c.employment_type == filters.employment_type)
    if filters.company_id:
        statement = statement.where(vacancy.c.company_id == filters.company_id)
    return statement
