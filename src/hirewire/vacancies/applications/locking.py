"""Queries that lock rows before an application is created or changed."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.errors import NoSuchApplication, OtherSide
from hirewire.vacancies.parties import Asker, Party
from hirewire.vacancies.tables import application, resume, vacancy


async def vacancy_of(tx: Tx, id: UUID) -> Row[Any] | None:
    """The vacancy, locked against being closed; other applicants are not blocked."""
    found = await tx.execute(select(vacancy).where(vacancy.c.id == id).with_for_update(read=True))
    return found.first()


async def resume_of(tx: Tx, id: UUID) -> Row[Any] | None:
    """The resume, locked against being hidden or deleted."""
    found = await tx.execute(
        select(resume).where(resume.c.resume_id == id).with_for_update(read=True)
    )
    return found.first()


async def application_of(tx: Tx, id: UUID) -> Row[Any]:
    """The application, locked. Raises `NoSuchApplication`."""
    found = await tx.execute(select(application).where(application.c.id == id).with_for_update())
    row = found.first()
    if row is None:
        raise NoSuchApplication
    return row


async def application_for(tx: Tx, asker: Asker, id: UUID, party: Party) -> Row[Any]:
    """The application, locked, if the asker is on this side of it.

    Raises `NoSuchApplication`, `OtherSide`.
    """
    row = await application_of(tx, id)
    own = asker.party(row.user_id, row.company_id)
    if own is None:
        raise NoSuchApplication
    if own != party:
        raise OtherSide
    return row
