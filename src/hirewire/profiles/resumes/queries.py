"""Queries for resumes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.profiles.contacts import reachable
from hirewire.profiles.tables import education, experience, profile, resume

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WholeResume:
    """A resume's row with its ordered experience and education."""

    row: Row[Any]
    experience: list[Item]
    education: list[Item]


async def resume_of(tx: Tx, user_id: UUID, id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """The user's resume; None if it does not exist or belongs to another user."""
    statement = select(resume).where(resume.c.id == id, resume.c.user_id == user_id)
    return (await tx.execute(statement.with_for_update() if lock else statement)).first()


async def resumes_of(
    tx: Tx, user_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Row[Any]]:
    """The user's resumes, newest first."""
    statement = select(resume).where(resume.c.user_id == user_id)
    if after is not None:
        statement = statement.where(resume.c.id < after)
    return list(await tx.execute(statement.order_by(resume.c.id.desc()).limit(limit)))


async def items_of(tx: Tx, ids: list[UUID]) -> dict[UUID, tuple[list[Item], list[Item]]]:
    """The ordered experience and education of each of these resumes."""
    items: dict[UUID, tuple[list[Item], list[Item]]] = {id: ([], []) for id in ids}
    for nth, table in enumerate((experience, education)):
        rows = await tx.execute(
            select(table).where(among(table.c.resume_id, ids)).order_by(table.c.place, table.c.id)
        )
        for row in rows:
            items[row.resume_id][nth].append(dict(row._mapping))
    return items


async def with_items(tx: Tx, row: Row[Any]) -> WholeResume:
    """Load the experience and education of a resume."""
    return WholeResume(row, *(await items_of(tx, [row.id]))[row.id])


async def owner_of(tx: Tx, user_id: UUID) -> dict[str, Any]:
    """A user's name, headline, contacts, links and locale; empty without a profile."""
    columns = (
        profile.c.full_name,
        profile.c.headline,
        profile.c.contacts,
        profile.c.account_email,
        profile.c.locale,
        profile.c.links.label("profile_links"),
    )
    row = (await tx.execute(select(*columns).where(profile.c.user_id == user_id))).first()
    return reachable(dict(row._mapping)) if row else {}
