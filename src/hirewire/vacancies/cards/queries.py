"""Queries for cards and their viewers."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, tuple_

from hirewire.messaging.transaction import Tx
from hirewire.vacancies.presenters import visible_to
from hirewire.vacancies.tables import card_view, company, resume


async def card_for(tx: Tx, resume_id: UUID, company_id: UUID) -> Row[Any] | None:
    """A published resume that this company may see, as a row; None for any other."""
    found = await tx.execute(
        select(resume).where(resume.c.resume_id == resume_id, visible_to(company_id))
    )
    return found.first()


async def owner_of(tx: Tx, resume_id: UUID) -> UUID | None:
    """The user id of a resume's owner; None if the resume is not known here."""
    found = await tx.execute(select(resume.c.user_id).where(resume.c.resume_id == resume_id))
    owner: UUID | None = found.scalar()
    return owner


async def viewers(
    tx: Tx, resume_id: UUID, *, limit: int, after: tuple[Any, UUID] | None
) -> list[Row[Any]]:
    """The companies that have viewed a card, latest first."""
    order = tuple_(card_view.c.last_at, card_view.c.company_id)
    statement = (
        select(card_view, company.c.name.label("company_name"))
        .join(company, company.c.id == card_view.c.company_id)
        .where(card_view.c.resume_id == resume_id)
    )
    if after is not None:
        statement = statement.where(order < after)
    ordered = statement.order_by(card_view.c.last_at.desc(), card_view.c.company_id.desc())
    return list(await tx.execute(ordered.limit(limit)))
