"""Queries for applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.applications.rules import KeptResume, Stage, kept
from hirewire.vacancies.presenters import unread_for_company, visible_to
from hirewire.vacancies.tables import (
    application,
    application_message,
    application_move,
    company,
    recommendation,
    resume,
    vacancy,
)

MOST_MOVES = 100
"""The number of latest moves read from an application's history."""
MOST_COUNTED = 100
"""The limit up to which unread applications are counted."""
_IS_UNREAD = application.c.applicant_news > application.c.applicant_seen
"""A condition: the application has changes that the applicant has not seen."""


def _selection() -> Select[Any]:
    return (
        select(
            application,
            vacancy.c.title.label("vacancy_title"),
            vacancy.c.held.label("vacancy_held"),
            company.c.name.label("company_name"),
            resume.c.state.label("resume_state"),
            visible_to(application.c.company_id).label("resume_visible"),
            resume.c.snapshot,
            recommendation.c.score,
        )
        .join(vacancy, vacancy.c.id == application.c.vacancy_id)
        .join(company, company.c.id == application.c.company_id)
        .outerjoin(resume, resume.c.resume_id == application.c.resume_id)
        .outerjoin(
            recommendation,
            and_(
                recommendation.c.vacancy_id == application.c.vacancy_id,
                recommendation.c.resume_id == application.c.resume_id,
                recommendation.c.withdrawn.is_(None),
            ),
        )
    )


async def application_of(tx: Tx, id: UUID) -> Row[Any] | None:
    """An application with its vacancy's title, company's name and stored resume."""
    row: Row[Any] | None = (await tx.execute(_selection().where(application.c.id == id))).first()
    return row


@dataclass(frozen=True, slots=True)
class About:
    """Filters of a list of applications."""

    vacancy_id: UUID | None = None
    resume_id: UUID | None = None
    stage: Stage | None = None
    only_unread: bool = False


async def sent_by(
    tx: Tx, user_id: UUID, about: About, *, limit: int, after: UUID | None
) -> list[Row[Any]]:
    """The applications of an applicant, latest first."""
    chosen = _selection().where(application.c.user_id == user_id)
    if about.only_unread:
        chosen = chosen.where(_IS_UNREAD)
    return await _listed(tx, chosen, about, limit, after)


async def received_by(
    tx: Tx, company_id: UUID, user_id: UUID, about: About, *, limit: int, after: UUID | None
) -> list[Row[Any]]:
    """The applications and invitations of a company, latest first, as this member sees them."""
    chosen = _selection().where(application.c.company_id == company_id)
    if about.only_unread:
        chosen = chosen.where(unread_for_company(user_id))
    return await _listed(tx, chosen, about, limit, after)


async def _listed(
    tx: Tx, chosen: Select[Any], about: About, limit: int, after: UUID | None
) -> list[Row[Any]]:
    for column, value in (
        (application.c.vacancy_id, about.vacancy_id),
        (application.c.resume_id, about.resume_id),
        (application.c.stage, about.stage),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    if after is not None:
        chosen = chosen.where(application.c.id < after)
    return list(await tx.execute(chosen.order_by(application.c.id.desc()).limit(limit)))


async def counts(
    tx: Tx, company_id: UUID, user_id: UUID, *, vacancy_id: UUID | None
) -> list[Row[Any]]:
    """Rows of vacancy, stage, number of applications (`count`) and of unread ones (`unread`)."""
    table = application.c
    chosen = select(
        table.vacancy_id,
        table.stage,
        func.count().label("count"),
        func.count().filter(unread_for_company(user_id)).label("unread"),
    ).where(table.company_id == company_id)
    if vacancy_id is not None:
        chosen = chosen.where(table.vacancy_id == vacancy_id)
    return list(await tx.execute(chosen.group_by(table.vacancy_id, table.stage)))


async def unread(tx: Tx, user_id: UUID, company_id: UUID | None) -> tuple[int, int]:
    """The numbers of the user's and of the company's applications with unread changes.

    Each is counted up to `MOST_COUNTED`, using the index of unread applications.
    """
    table = application.c
    own = and_(table.user_id == user_id, _IS_UNREAD)
    received = and_(table.company_id == company_id, unread_for_company(user_id))
    counts = [
        select(func.count())
        .select_from(select(table.id).where(which).limit(MOST_COUNTED).subquery())
        .scalar_subquery()
        for which in (own, received)
    ]
    as_applicant, as_employer = (await tx.execute(select(*counts))).one()
    return as_applicant, as_employer


async def moves_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The latest `MOST_MOVES` moves of each application, oldest first."""
    moves: dict[UUID, list[Row[Any]]] = {id: [] for id in ids}
    nth = (
        func.row_number()
        .over(
            partition_by=application_move.c.application_id,
            order_by=application_move.c.position.desc(),
        )
        .label("nth")
    )
    numbered = (
        select(application_move, nth)
        .where(among(application_move.c.application_id, ids))
        .subquery()
    )
    latest = select(numbered).where(numbered.c.nth <= MOST_MOVES).order_by(numbered.c.position)
    for row in await tx.execute(latest):
        moves[row.application_id].append(row)
    return moves


async def messages_of(
    tx: Tx, application_id: UUID, *, limit: int, after: UUID | None
) -> list[Row[Any]]:
    """The messages of an application, latest first."""
    chosen = select(application_message).where(
        application_message.c.application_id == application_id
    )
    if after is not None:
        chosen = chosen.where(application_message.c.id < after)
    return list(await tx.execute(chosen.order_by(application_message.c.id.desc()).limit(limit)))


async def message(tx: Tx, id: UUID) -> Row[Any]:
    """A single message."""
    found = await tx.execute(select(application_message).where(application_message.c.id == id))
    row: Row[Any] = found.one()
    return row


async def latest_of(tx: Tx, vacancy_id: UUID, resume_id: UUID) -> UUID:
    """The id of the latest application with this resume for this vacancy, which must exist."""
    found = await tx.execute(
        select(application.c.id)
        .where(application.c.vacancy_id == vacancy_id, application.c.resume_id == resume_id)
        .order_by(application.c.id.desc())
        .limit(1)
    )
    id: UUID = found.scalar_one()
    return id


async def kept_resume(tx: Tx, id: UUID) -> KeptResume | None:
    """The part of a resume that a company keeps; None for an unknown or deleted resume."""
    found = await tx.execute(select(resume.c.snapshot).where(resume.c.resume_id == id))
    return kept(found.scalar())
