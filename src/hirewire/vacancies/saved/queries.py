"""Queries for saved vacancies."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, tuple_

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.presenters import vacancies_with_company
from hirewire.vacancies.tables import saved_vacancy, vacancy


async def can_be_saved(tx: Tx, vacancy_id: UUID) -> bool:
    """Whether everybody can see this vacancy: it was published, is not archived and not held."""
    statement = select(vacancy.c.id).where(
        vacancy.c.id == vacancy_id,
        vacancy.c.published_at.is_not(None),
        vacancy.c.status != "archived",
        ~vacancy.c.held,
    )
    return (await tx.execute(statement)).first() is not None


async def saved_vacancies(
    tx: Tx, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None
) -> list[Row[Any]]:
    """A person's saved vacancies in any status, most recently saved first."""
    order = tuple_(saved_vacancy.c.saved_at, saved_vacancy.c.vacancy_id)
    statement = (
        vacancies_with_company()
        .add_columns(saved_vacancy.c.saved_at)
        .join(saved_vacancy, saved_vacancy.c.vacancy_id == vacancy.c.id)
        .where(saved_vacancy.c.user_id == user_id)
    )
    if after is not None:
        statement = statement.where(order < after)
    ordered = statement.order_by(saved_vacancy.c.saved_at.desc(), saved_vacancy.c.vacancy_id.desc())
    return list(await tx.execute(ordered.limit(limit)))
