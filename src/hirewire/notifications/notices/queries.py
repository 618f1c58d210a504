"""Queries for a person's notices."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, func, select

from hirewire.messaging.transaction import Tx
from hirewire.notifications.tables import company, notice, vacancy


def _shown(user_id: UUID) -> ColumnElement[bool]:
    return (notice.c.user_id == user_id) & notice.c.withdrawn_at.is_(None)


def _named() -> Select[Any]:
    return (
        select(
            notice,
            notice.c.read_at.is_not(None).label("read"),
            vacancy.c.title.label("vacancy_title"),
            company.c.name.label("company_name"),
            case((notice.c.kind == "saved_search", notice.c.about_id)).label("search_id"),
        )
        .outerjoin(vacancy, vacancy.c.id == notice.c.vacancy_id)
        .outerjoin(company, company.c.id == notice.c.company_id)
    )


async def one(tx: Tx, user_id: UUID, id: UUID) -> Row[Any] | None:
    """A notice of a person."""
    found = await tx.execute(_named().where(_shown(user_id), notice.c.id == id))
    row: Row[Any] | None = found.first()
    return row


async def latest(
    tx: Tx, user_id: UUID, *, limit: int, after: UUID | None, unread: bool
) -> list[Row[Any]]:
    """A person's notices, newest first, with the names of vacancy and company."""
    statement = _named().where(_shown(user_id))
    if unread:
        statement = statement.where(notice.c.read_at.is_(None))
    if after is not None:
        statement = statement.where(notice.c.id < after)
    return list(await tx.execute(statement.order_by(notice.c.id.desc()).limit(limit)))


async def unread(tx: Tx, user_id: UUID) -> int:
    """How many notices a person has not read."""
    counted = select(func.count()).where(_shown(user_id), notice.c.read_at.is_(None))
    return int((await tx.execute(counted)).scalar_one())
