"""Employers, read."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.messaging.outbox import Tx
from hirewire.vacancies.tables import company, employer_profile


async def employer_profile_of(tx: Tx, user_id: UUID) -> Row[Any] | None:
    """The person's employer profile, with the company's name."""
    found = await tx.execute(
        select(employer_profile, company.c.name.label("company_name"))
        .join(company, company.c.id == employer_profile.c.company_id)
        .where(employer_profile.c.user_id == user_id)
    )
    return found.first()
