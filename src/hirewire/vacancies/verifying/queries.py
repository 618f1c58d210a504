"""Queries for companies as operators see them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, tuple_

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.tables import company


async def newest(
    tx: Tx, named: str, *, limit: int, after: tuple[datetime, UUID] | None
) -> list[Row[Any]]:
    """Companies with this text in their name, the newest first."""
    its = company.c
    statement = select(company)
    if named:
        statement = statement.where(func.lower(its.name).contains(named.lower(), autoescape=True))
    if after is not None:
        statement = statement.where(tuple_(its.created_at, its.id) < after)
    return list(
        await tx.execute(statement.order_by(its.created_at.desc(), its.id.desc()).limit(limit))
    )


async def one(tx: Tx, id: UUID) -> Row[Any] | None:
    """A company."""
    return (await tx.execute(select(company).where(company.c.id == id))).first()
