"""Queries for the rows that search indexes are built from, for results and for saved searches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Text, func, select, tuple_

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.presenters import is_open, vacancies_with_company, visible_to
from hirewire.vacancies.tables import company, resume, saved_search, vacancy

_VACANCIES = """
select v.id::text as id, v.status, v.title, c.name as company_name, v.requirements, v.area,
    v.address, v.description, v.company_id, v.work_format, v.employment_type, v.experience,
    v.salary, v.published_at, v.held, v.changed
from vacancy v join company c on c.id = v.company_id
"""
_RESUMES = """
select r.resume_id::text as id, r.state, r.snapshot, r.updated_at, r.changed
from resume r
"""
_TABLES = {"vacancies": ("vacancy", "id"), "resumes": ("resume", "resume_id")}
_HEADS = {"vacancies": (_VACANCIES, "v.id"), "resumes": (_RESUMES, "r.resume_id")}
_COUNTS = {
    "vacancies": "select count(*) from vacancy where status = 'published' and not held",
    "resumes": "select count(*) from resume where state = 'visible' "
    "and snapshot ->> 'status' = 'published'",
}
_NAME = """
select (select system_identifier from pg_control_system())::text
    || '/' || (select timeline_id from pg_control_checkpoint())::text
    || '/' || oid::text
from pg_database where datname = current_database()
"""


@dataclass(frozen=True)
class Horizon:
    """A position in the order of transactions: a transaction id (xid8).

    Every change before `done` is committed or rolled back; a change by a transaction from `done` on
    may or may not be visible yet.
    """

    done: int

    @staticmethod
    async def now(tx: Tx) -> "Horizon":
        """The horizon at this statement."""
        found = await tx.exec_driver_sql("select pg_snapshot_xmin(pg_current_snapshot())")
        return Horizon(int(found.scalar_one()))


async def database_name(tx: Tx) -> str:
    """A name that differs between databases, and between a database and its restored copy."""
    return str((await tx.exec_driver_sql(_NAME)).scalar_one())


async def changed_since(tx: Tx, kind: str, horizon: Horizon) -> tuple[Horizon, dict[UUID, int]]:
    """The current horizon, and the rows changed since the given one, as transaction ids by row id.

    Both are from one snapshot. Rows with ids of future transactions (in a database that was
    restored into a cluster with lower ids) do not count: they are read when the index is built.
    """
    table, id = _TABLES[kind]
    rows = await tx.exec_driver_sql(
        f"select now.done, t.{id} as id, t.changed "  # noqa: S608
        "from (select pg_snapshot_xmin(pg_current_snapshot()) as done) now "
        f"left join {table} t on t.changed >= $1 "
        "and t.changed < pg_snapshot_xmax(pg_current_snapshot())",
        (horizon.done,),
    )
    found = rows.all()
    changed = {row.id: row.changed for row in found if row.id is not None}
    return Horizon(int(found[0].done)), changed


async def rows_of(tx: Tx, kind: str, ids: Sequence[UUID]) -> list[Row[Any]]:
    """The rows with these ids, with the columns that documents need."""
    head, id = _HEADS[kind]
    return list(await tx.exec_driver_sql(f"{head} where {id} = any($1)", (list(ids),)))


async def rows_after(tx: Tx, kind: str, after: UUID, limit: int) -> list[Row[Any]]:
    """The first `limit` rows after this id, in the order of their ids."""
    head, id = _HEADS[kind]
    return list(
        await tx.exec_driver_sql(f"{head} where {id} > $1 order by {id} limit $2", (after, limit))
    )


async def count_of_erased(tx: Tx) -> int:
    """The number of erased people. What was deleted for them is deleted in the same transaction."""
    return int((await tx.exec_driver_sql("select count(*) from messaging.erased")).scalar_one())


async def count_of(tx: Tx, kind: str) -> int:
    """The number of searchable rows."""
    return int((await tx.exec_driver_sql(_COUNTS[kind])).scalar_one())


async def open_vacancies(
    tx: Tx, ids: Sequence[UUID], reader: UUID | None = None
) -> dict[UUID, Row[Any]]:
    """Those of these vacancies that are open, with their companies' names, by id."""
    statement = vacancies_with_company(reader).where(among(vacancy.c.id, ids), is_open())
    return {row.id: row for row in await tx.execute(statement)}


async def visible_resumes(tx: Tx, ids: Sequence[UUID], company_id: UUID) -> dict[UUID, Row[Any]]:
    """Those of these resumes that this company may see, by id."""
    statement = select(resume).where(among(resume.c.resume_id, ids), visible_to(company_id))
    return {row.resume_id: row for row in await tx.execute(statement)}


async def company_names(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Companies' names, by id."""
    if not ids:
        return {}
    statement = select(company.c.id, company.c.name).where(among(company.c.id, ids))
    return {row.id: row.name for row in await tx.execute(statement)}


async def saved_searches(
    tx: Tx, user_id: UUID, *, limit: int, after: UUID | None
) -> list[Row[Any]]:
    """A user's saved searches, newest first."""
    statement = select(saved_search).where(saved_search.c.user_id == user_id)
    if after is not None:
        statement = statement.where(saved_search.c.id < after)
    return list(await tx.execute(statement.order_by(saved_search.c.id.desc()).limit(limit)))


@dataclass(frozen=True, slots=True)
class TableFilters:
    """The filters of a list from the tables."""

    title: str | None = None
    area: Sequence[str] = ()
    """Names of places in lower case."""
    work_format: Sequence[str] = ()
    employment_type: Sequence[str] = ()
    experience: Sequence[str] = ()
    company_id: Sequence[UUID] = ()


async def published_vacancies(
    tx: Tx,
    filters: TableFilters,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
    reader: UUID | None = None,
) -> list[Row[Any]]:
    """Open vacancies, most recently published first."""
    statement = vacancies_with_company(reader).where(is_open())
    order = tuple_(vacancy.c.published_at, vacancy.c.id)
    if after is not None:
        statement = statement.where(order < after)
    statement = _filtered(statement, filters).order_by(
        vacancy.c.published_at.desc(), vacancy.c.id.desc()
    )
    return list(await tx.execute(statement.limit(limit)))


async def own_vacancies(
    tx: Tx, company_id: UUID, filters: TableFilters, *, limit: int, after: UUID | None
) -> list[Row[Any]]:
    """All vacancies of a company in any status, newest first."""
    statement = vacancies_with_company().where(vacancy.c.company_id == company_id)
    if after is not None:
        statement = statement.where(vacancy.c.id < after)
    statement = _filtered(statement, filters)
    return list(await tx.execute(statement.order_by(vacancy.c.id.desc()).limit(limit)))


def _filtered(statement: Select[Any], filters: TableFilters) -> Select[Any]:
    if filters.title:
        statement = statement.where(vacancy.c.title.icontains(filters.title, autoescape=True))
    for column, values in (
        (func.lower(func.btrim(vacancy.c.area), type_=Text), filters.area),
        (vacancy.c.work_format, filters.work_format),
        (vacancy.c.employment_type, filters.employment_type),
        (vacancy.c.experience, filters.experience),
        (vacancy.c.company_id, filters.company_id),
    ):
        if values:
            statement = statement.where(among(column, values))
    return statement
