"""Queries for resumes as companies read them, and for the companies that read a resume."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, exists, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.profiles.contacts import reachable
from hirewire.profiles.content import Content
from hirewire.profiles.readers import rules
from hirewire.profiles.tables import (
    education,
    employer,
    experience,
    opened_application,
    opened_resume,
    profile,
    resume,
)


async def company_of(tx: Tx, user_id: UUID) -> UUID | None:
    """The company that this user acts for."""
    statement = select(employer.c.company_id).where(employer.c.user_id == user_id)
    company: UUID | None = (await tx.execute(statement)).scalar()
    return company


@dataclass(frozen=True, slots=True)
class Opened:
    """A resume as a company reads it."""

    content: Content
    """The resume's row, experience, education and owner."""
    as_of: datetime | None
    """When the stored copy was made; None for the current resume."""


async def opened(tx: Tx, resume_id: UUID, company_id: UUID) -> Opened | None:
    """A resume as this company may read it; None when no application has opened it.

    While an application is open, the company reads the current resume. Afterwards it reads the copy
    stored with its latest application, without contacts if that was withdrawn.
    """
    table = opened_application.c
    result = await tx.execute(
        select(opened_application)
        .where(
            table.resume_id == resume_id,
            table.company_id == company_id,
            table.opened_at.is_not(None),
        )
        .order_by(table.ended_at.is_not(None), table.opened_at.desc(), table.application_id.desc())
        .limit(1)
    )
    row = result.first()
    if row is None:
        return None
    if row.ended_at is None:
        content = await whole(tx, resume_id)
        return None if content is None else Opened(content, None)
    content = rules.without_contacts(row.kept) if row.withdrawn else row.kept
    return Opened(content, row.opened_at)


async def names(tx: Tx, resume_ids: Sequence[UUID], company_id: UUID) -> list[tuple[UUID, str]]:
    """Ids of those resumes whose owner's name `opened` shows to this company, with the name."""
    table = opened_application.c
    statement = (
        select(
            table.resume_id,
            table.ended_at.is_(None).label("is_open"),
            table.withdrawn,
            profile.c.full_name,
            table.kept["full_name"].astext.label("kept_name"),
        )
        .ext(distinct_on(table.resume_id))
        .join(resume, resume.c.id == table.resume_id)
        .outerjoin(profile, profile.c.user_id == resume.c.user_id)
        .where(
            among(table.resume_id, resume_ids),
            table.company_id == company_id,
            table.opened_at.is_not(None),
        )
        .order_by(
            table.resume_id,
            table.ended_at.is_not(None),
            table.opened_at.desc(),
            table.application_id.desc(),
        )
    )
    owners = []
    for row in await tx.execute(statement):
        name = row.full_name if row.is_open else row.kept_name
        if row.withdrawn and not row.is_open:
            name = rules.name_without_contacts(name)
        if name:
            owners.append((row.resume_id, name))
    return owners


async def is_opened(tx: Tx, application_id: UUID) -> bool:
    """Whether this application has opened a resume."""
    table = opened_application.c
    result = await tx.execute(
        select(table.application_id).where(
            table.application_id == application_id, table.opened_at.is_not(None)
        )
    )
    return result.first() is not None


async def whole(tx: Tx, resume_id: UUID, user_id: UUID | None = None) -> Content | None:
    """A resume with its experience, education and owner; None when it does not exist or, with a
    `user_id`, belongs to another user.
    """
    statement = (
        select(
            resume,
            profile.c.full_name,
            profile.c.headline,
            func.coalesce(profile.c.contacts, text("'[]'::jsonb")).label("contacts"),
            profile.c.account_email,
            profile.c.locale,
            func.coalesce(profile.c.links, text("'[]'::jsonb")).label("profile_links"),
        )
        .outerjoin(profile, profile.c.user_id == resume.c.user_id)
        .where(resume.c.id == resume_id)
    )
    if user_id is not None:
        statement = statement.where(resume.c.user_id == user_id)
    return await _whole(tx, (await tx.execute(statement)).first())


async def shared(tx: Tx, key: str) -> Content | None:
    """The published resume with this link key, with its owner's name and contacts."""
    owner = (profile.c.full_name, profile.c.headline, profile.c.contacts, profile.c.account_email)
    statement = (
        select(resume, *owner, profile.c.locale)
        .join(profile, profile.c.user_id == resume.c.user_id)
        .where(
            resume.c.link_key == key,
            resume.c.visibility == "link",
            resume.c.status == "published",
        )
    )
    return await _whole(tx, (await tx.execute(statement)).first())


async def _whole(tx: Tx, row: Row[Any] | None) -> Content | None:
    if row is None:
        return None
    items = {}
    for name, table in (("experience", experience), ("education", education)):
        listed = select(table).where(table.c.resume_id == row.id)
        rows = await tx.execute(listed.order_by(table.c.place, table.c.id))
        items[name] = [dict(item._mapping) for item in rows]
    values = dict(row._mapping) | items
    values["contacts"] = reachable(row.contacts, values.pop("account_email"))
    return cast("Content", values)


async def is_own(tx: Tx, resume_id: UUID, user_id: UUID) -> bool:
    """Whether the resume belongs to this user."""
    statement = select(resume.c.id).where(resume.c.id == resume_id, resume.c.user_id == user_id)
    return (await tx.execute(statement)).first() is not None


async def readers(
    tx: Tx, resume_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Row[Any]]:
    """The companies that a resume was opened to, ordered by id."""
    name = (
        select(func.max(employer.c.company_name))
        .where(employer.c.company_id == opened_resume.c.company_id)
        .scalar_subquery()
    )
    table = opened_application.c
    is_open = exists().where(
        table.resume_id == opened_resume.c.resume_id,
        table.company_id == opened_resume.c.company_id,
        table.opened_at.is_not(None),
        table.ended_at.is_(None),
    )
    statement = select(opened_resume, name.label("company_name"), is_open.label("open")).where(
        opened_resume.c.resume_id == resume_id
    )
    if after is not None:
        statement = statement.where(opened_resume.c.company_id > after)
    return list(await tx.execute(statement.order_by(opened_resume.c.company_id).limit(limit)))
