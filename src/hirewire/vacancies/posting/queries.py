"""Reads vacancies."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.presenters import vacancies_with_company
from hirewire.vacancies.tables import vacancy


async def vacancy_for(
    tx: Tx, id: UUID, company_id: UUID | None, reader: UUID | None = None
) -> Row[Any] | None:
    """A vacancy that was published, or one of this company's in any status."""
    found = await tx.execute(vacancies_with_company(reader).where(vacancy.c.id == id))
    row: Row[Any] | None = found.first()
    if row is None or (row.published_at is None and row.company_id != company_id):
        return None
    return row
