"""Queries for resumes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Table, select

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.profiles.contacts import reachable
from hirewire.profiles.content import Content, Owner, Position, Study
from hirewire.profiles.tables import education, experience, profile, resume


@dataclass(frozen=True, slots=True)
class WholeResume:
    """A resume's row with its ordered experience and education."""

    row: Row[Any]
    experience: list[Position]
    education: list[Study]


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


async def items_of(tx: Tx, ids: list[UUID]) -> dict[UUID, tuple[list[Position], list[Study]]]:
    """The ordered experience and education of these resumes, by resume id."""
    items: dict[UUID, tuple[list[Position], list[Study]]] = {id: ([], []) for id in ids}
    for row in await _rows(tx, experience, ids):
        items[row.resume_id][0].append(cast("Position", dict(row._mapping)))
    for row in await _rows(tx, education, ids):
        items[row.resume_id][1].append(cast("Study", dict(row._mapping)))
    return items


async def _rows(tx: Tx, table: Table, ids: list[UUID]) -> Iterable[Row[Any]]:
    statement = select(table).where(among(table.c.resume_id, ids))
    return await tx.execute(statement.order_by(table.c.place, table.c.id))


async def with_items(tx: Tx, row: Row[Any]) -> WholeResume:
    """Load the experience and education of a resume."""
    return WholeResume(row, *(await items_of(tx, [row.id]))[row.id])


async def owner_of(tx: Tx, user_id: UUID) -> Owner:
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
    if row is None:
        return {}
    return {
        "full_name": row.full_name,
        "headline": row.headline,
        "contacts": reachable(row.contacts, row.account_email),
        "locale": row.locale,
        "profile_links": row.profile_links,
    }


def content(whole: WholeResume, owner: Owner) -> Content:
    """The resume with its owner."""
    items = {"experience": whole.experience, "education": whole.education}
    return cast("Content", {**whole.row._mapping, **items, **owner})
