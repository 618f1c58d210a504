"""Routes for a resume without an application: its card, and for its owner the card's viewers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.http import Caller, Page, PageParams, RequestTx, page_of, place_in_time
from hirewire.kit.models import Answer
from hirewire.kit.openapi import refuses
from hirewire.vacancies.authority import NotAnEmployer, require_company
from hirewire.vacancies.cards import commands, queries
from hirewire.vacancies.errors import NoSuchResume
from hirewire.vacancies.presenters import Card, card_of

router = APIRouter(prefix="/api/vacancies", tags=["cards"])


class Position(Answer):
    """A position of the work experience."""

    company: str | None = None
    position: str | None = None
    start: str | None = None
    end: str | None = None
    skills: list[str] = []


class Studies(Answer):
    """An education entry."""

    organization: str | None = None
    level: str | None = None
    field: str | None = None
    start_year: int | None = None
    end_year: int | None = None


class WholeCard(Card):
    """A full resume without name, contacts and free text."""

    resume_id: UUID
    updated_at: datetime
    employment_types: list[str]
    work_formats: list[str]
    experience: list[Position]
    education: list[Studies]


class Viewer(Answer):
    """A company that viewed a resume."""

    company_id: UUID
    company_name: str
    times: int
    first_at: datetime
    last_at: datetime


@router.get("/resumes/{id}", responses=refuses(NotAnEmployer, NoSuchResume))
async def card(id: UUID, tx: RequestTx, caller: Caller) -> WholeCard:
    """For employers: a resume without name and contacts. Its owner sees that you viewed it."""
    company = await require_company(tx, caller.user_id)
    row = await queries.card_for(tx, id, company)
    if row is None:
        raise NoSuchResume
    if row.user_id != caller.user_id:
        await commands.note_view(tx, id, company)
    snapshot: Mapping[str, Any] = row.snapshot
    return WholeCard(
        **card_of(snapshot).model_dump(),
        resume_id=id,
        updated_at=row.updated_at,
        employment_types=snapshot.get("employmentTypes") or [],
        work_formats=snapshot.get("workFormats") or [],
        experience=[Position.model_validate(one) for one in snapshot.get("experience") or ()],
        education=[Studies.model_validate(one) for one in snapshot.get("education") or ()],
    )


@router.get("/resumes/{id}/viewers", responses=refuses(NoSuchResume))
async def viewers(
    id: UUID,
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
) -> Page[Viewer]:
    """Companies that viewed your resume, most recent first."""
    if await queries.owner_of(tx, id) != caller.user_id:
        raise NoSuchResume
    rows = await queries.viewers(tx, id, limit=page.limit + 1, after=place_in_time(page.after))
    return page_of(
        rows, page, request, response, Viewer, cursor=lambda one: (one.last_at, one.company_id)
    )
