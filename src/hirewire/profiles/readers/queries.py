"""Resumes as companies read them, and who has read one's own."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from hirewire.messaging.outbox import Tx
from hirewire.profiles.tables import (
    education,
    employer,
    experience,
    opened_resume,
    profile,
    resume,
)


async def company_of(tx: Tx, user_id: UUID) -> UUID | None:
    """The company for which this person acts."""
    statement = select(employer.c.company_id).where(employer.c.user_id == user_id)
    company: UUID | None = (await tx.execute(statement)).scalar()
    return company


async def opened(tx: Tx, resume_id: UUID, company_id: UUID) -> dict[str, Any] | None:
    """A resume that is open to this company, with whose it is; None for any other."""
    statement = (
        select(
            resume,
            profile.c.full_name,
            profile.c.headline,
            profile.c.contacts,
            profile.c.locale,
            profile.c.links.label("profile_links"),
        )
        .join(opened_resume, opened_resume.c.resume_id == resume.c.id)
        .join(profile, profile.c.user_id == resume.c.user_id)
        .where(resume.c.id == resume_id, opened_resume.c.company_id == company_id)
    )
    return await _whole(tx, (await tx.execute(statement)).first())


async def shared(tx: Tx, key: str) -> dict[str, Any] | None:
    """The published resume that has this link, with its owner's name and no contacts."""
    statement = (
        select(resume, profile.c.full_name, profile.c.headline, profile.c.locale)
        .join(profile, profile.c.user_id == resume.c.user_id)
        .where(
            resume.c.link_key == key,
            resume.c.visibility == "link",
            resume.c.status == "published",
        )
    )
    return await _whole(tx, (await tx.execute(statement)).first())


async def _whole(tx: Tx, row: Row[Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    found = dict(row._mapping)
    for name, table in (("experience", experience), ("education", education)):
        items = select(table).where(table.c.resume_id == row.id)
        rows = await tx.execute(items.order_by(table.c.place, table.c.id))
        found[name] = [dict(item._mapping) for item in rows]
    return found


async def is_own(tx: Tx, resume_id: UUID, user_id: UUID) -> bool:
    """Whether this resume is this person's."""
    statement = select(resume.c.id).where(resume.c.id == resume_id, resume.c.user_id == user_id)
    return (await tx.execute(statement)).first() is not None


async def readers(
    tx: Tx, resume_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Row[Any]]:
    """The companies that a resume is open to, by their ids."""
    name = (
        select(func.max(employer.c.company_name))
        .where(employer.c.company_id == opened_resume.c.company_id)
        .scalar_subquery()
    )
    statement = select(opened_resume, name.label("company_name")).where(
        opened_resume.c.resume_id == resume_id
    )
    if after is not None:
        statement = statement.where(opened_resume.c.company_id > after)
    return list(await tx.execute(statement.order_by(opened_resume.c.company_id).limit(limit)))
