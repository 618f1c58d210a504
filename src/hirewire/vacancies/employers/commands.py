"""Becoming an employer."""

from uuid import UUID

from sqlalchemy import insert, select

from hirewire.contracts.vacancies import EmployerProfileCreated
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.ids import new_id
from hirewire.messaging.outbox import Tx, record
from hirewire.messaging.relay import lock_number
from hirewire.vacancies.tables import company, employer_profile


class EmployerProfileExists(AppError):
    """You act for a company already."""

    slug = "employer-profile-exists"
    kind = Kind.CONFLICT


async def create_employer_profile(
    tx: Tx, user_id: UUID, *, company_name: str, phone: str | None
) -> UUID:
    """A company and who acts for it; the company's id. Records `EmployerProfileCreated`.

    From the commit on the person can act as an employer here, with the token they have. Raises
    `EmployerProfileExists`.
    """
    await tx.exec_driver_sql(
        "select pg_advisory_xact_lock($1)", (lock_number(f"employer {user_id}"),)
    )
    exists = await tx.execute(
        select(employer_profile.c.user_id).where(employer_profile.c.user_id == user_id)
    )
    if exists.first() is not None:
        raise EmployerProfileExists
    moment, company_id = now(), new_id()
    await tx.execute(insert(company).values(id=company_id, name=company_name, created_at=moment))
    await tx.execute(
        insert(employer_profile).values(
            user_id=user_id, company_id=company_id, phone=phone, created_at=moment
        )
    )
    record(
        tx,
        EmployerProfileCreated(
            user_id=user_id, company_id=company_id, phone=phone, company_name=company_name
        ),
    )
    return company_id
