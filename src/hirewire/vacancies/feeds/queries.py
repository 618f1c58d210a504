"""Queries that read all open vacancies in pages."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.presenters import is_open, vacancies_with_company
from hirewire.vacancies.tables import vacancy


async def open_count(tx: Tx) -> int:
    """The number of open vacancies."""
    statement = select(func.count()).where(is_open())
    return int((await tx.execute(statement)).scalar_one())


async def open_after(tx: Tx, after: UUID, limit: int) -> list[Row[Any]]:
    """Open vacancies in the order of their ids."""
    statement = vacancies_with_company().where(is_open(), vacancy.c.id > after)
    return list(await tx.execute(statement.order_by(vacancy.c.id).limit(limit)))


async def place_of(tx: Tx, nth: int) -> UUID | None:
    """The id of the nth open vacancy, counted from 1 in the order of ids."""
    statement = select(vacancy.c.id).where(is_open())
    found: UUID | None = (
        await tx.execute(statement.order_by(vacancy.c.id).offset(nth - 1).limit(1))
    ).scalar()
    return found
