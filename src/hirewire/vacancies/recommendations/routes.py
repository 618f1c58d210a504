"""Routes for recommendations and match scores with their reasons, for both sides."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row

from hirewire.kit.errors import NotFound
from hirewire.kit.http import (
    Caller,
    Page,
    PageParams,
    RequestTx,
    bad_cursor,
    page_of,
    place_in_time,
)
from hirewire.kit.openapi import refuses
from hirewire.vacancies.authority import NotAnEmployer, require_company
from hirewire.vacancies.presenters import card_of
from hirewire.vacancies.recommendations import commands, previews, queries
from hirewire.vacancies.recommendations.models import (
    Decision,
    Draft,
    Preview,
    Price,
    Reach,
    Recommendation,
    Recommended,
    Score,
    Scores,
)

router = APIRouter(prefix="/api/vacancies", tags=["recommendations"])

MOST_FITS = 50
"""Resumes of one person that are compared with a vacancy at once."""


class NoSuchVacancy(NotFound):
    """Vacancy not found, or it is not yours."""

    code = "vacancy_not_found"


class NoSuchResume(NotFound):
    """Resume not found, or not received by this service yet."""

    code = "resume_not_found"


@router.get("/vacancies/{id}/recommendations", responses=refuses(NotAnEmployer, NoSuchVacancy))
async def for_vacancy(
    id: UUID,
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
) -> Page[Recommendation]:
    """Resumes that match your vacancy, best match first, with reasons."""
    company = await require_company(tx, caller.user_id)
    if await queries.vacancy_of(tx, id, company) is None:
        raise NoSuchVacancy
    rows = await queries.for_vacancy(tx, id, limit=page.limit + 1, after=_place(page.after))
    places = {row.recommendation_id: _place_of(row) for row in rows}
    items = [_recommendation(row) for row in rows]
    return page_of(
        items, page, request, response, Recommendation, cursor=lambda one: places[one.id]
    )


@router.get("/vacancies/{id}/scores", responses=refuses(NotAnEmployer, NoSuchVacancy))
async def scores(
    id: UUID,
    tx: RequestTx,
    caller: Caller,
    resume: Annotated[list[UUID], Query(max_length=300)],
    reasons: bool = False,
) -> Scores:
    """Match scores of resumes with an open application for a vacancy.

    Also of resumes that are not recommended; with the reasons if requested. Unanswered invitations
    are left out.
    """
    company = await require_company(tx, caller.user_id)
    vacancy = await queries.vacancy_of(tx, id, company)
    if vacancy is None:
        raise NoSuchVacancy
    found = await queries.scores_of_applicants(tx, vacancy, resume, explained=reasons)
    items = [
        {"resume_id": one, "score": score, "reasons": why} for one, (score, why) in found.items()
    ]
    return Scores(items=[Score.model_validate(item) for item in items])


@router.get("/vacancies/{id}/fits", responses=refuses(NoSuchVacancy))
async def fits(
    id: UUID,
    tx: RequestTx,
    caller: Caller,
    resume: Annotated[list[UUID], Query(max_length=MOST_FITS)],
    limit: Annotated[int, Query(ge=1, le=MOST_FITS)] = MOST_FITS,
) -> Scores:
    """How well these resumes of yours match a vacancy: the best `limit`, with the reasons.

    Resumes that the vacancy is not recommended for are included, other people's are left out.
    """
    vacancy = await queries.published_vacancy(tx, id)
    if vacancy is None:
        raise NoSuchVacancy
    found = await queries.fits_of(tx, vacancy, caller.user_id, resume, limit)
    return Scores(items=[Score.model_validate(one, from_attributes=True) for one in found])


@router.get("/recommendations", responses=refuses(NotAnEmployer))
async def for_company(
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
    resume: UUID | None = None,
) -> Page[Recommendation]:
    """Resumes that match your open vacancies, newest first; or the matches of one resume."""
    company = await require_company(tx, caller.user_id)
    rows = await queries.for_company(
        tx, company, resume_id=resume, limit=page.limit + 1, after=place_in_time(page.after)
    )
    items = [_recommendation(row) for row in rows]
    return page_of(
        items, page, request, response, Recommendation, cursor=lambda one: (one.created_at, one.id)
    )


@router.get("/recommended")
async def for_me(
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
) -> Page[Recommended]:
    """Vacancies that match your resumes, best match first, with reasons."""
    rows = await queries.for_user(
        tx, caller.user_id, limit=page.limit + 1, after=_place(page.after)
    )
    places = {row.recommendation_id: _place_of(row) for row in rows}
    items = [_recommended(row) for row in rows]
    return page_of(items, page, request, response, Recommended, cursor=lambda one: places[one.id])


@router.post(
    "/recommendations/{id}/state",
    status_code=204,
    responses=refuses(NotAnEmployer, commands.NoSuchRecommendation, commands.MoveNotAllowed),
)
async def decide(id: UUID, body: Decision, tx: RequestTx, caller: Caller) -> None:
    """Mark a recommendation as seen, shortlisted or dismissed."""
    company = await require_company(tx, caller.user_id)
    await commands.decide(tx, company, id, body.state, reason=body.reason)


@router.post("/vacancies/{id}/price", responses=refuses(NotAnEmployer, NoSuchVacancy))
async def price(id: UUID, body: Draft, tx: RequestTx, caller: Caller) -> Price:
    """How each requirement of your vacancy affects the number of candidates, before saving."""
    company = await require_company(tx, caller.user_id)
    saved = await queries.vacancy_of(tx, id, company)
    if saved is None:
        raise NoSuchVacancy
    named = body.model_dump(mode="json", include=body.model_fields_set)
    return Price.model_validate(await previews.price(tx, {**saved, **named}))


@router.post("/reach", responses=refuses(NoSuchResume))
async def reach(body: Preview, tx: RequestTx, caller: Caller) -> Reach:
    """How many open vacancies your resume matches now and with unsaved changes."""
    snapshot = await previews.snapshot_of(tx, caller.user_id, body.resume_id)
    if snapshot is None:
        raise NoSuchResume
    changes = body.changes
    named = changes.model_dump(mode="json", by_alias=True, include=changes.model_fields_set)
    return Reach.model_validate(await previews.reach(tx, snapshot, named))


def _recommendation(row: Row[Any]) -> Recommendation:
    own = {"vacancy_title": row.vacancy_title, "resume": card_of(row.resume_snapshot)}
    return Recommendation.model_validate({**_common(row), **own})


def _recommended(row: Row[Any]) -> Recommended:
    vacancy = _part(row, "vacancy")
    own = {name: vacancy[name] for name in ("title", "area", "work_format", "salary")}
    own["company_name"] = row.company_name
    return Recommended.model_validate({**_common(row), **own})


def _common(row: Row[Any]) -> Mapping[str, Any]:
    """The fields of a match that both sides see."""
    reasons = queries.reasons(_part(row, "vacancy"), row.resume_snapshot)
    own = {"reasons": reasons, "application_id": row.application_id}
    return {**_part(row, "recommendation"), **own}


def _part(row: Row[Any], table: str) -> Mapping[str, Any]:
    """The columns of one of the tables that the row is read from."""
    prefix = f"{table}_"
    return {
        name.removeprefix(prefix): value
        for name, value in row._mapping.items()
        if name.startswith(prefix)
    }


def _place_of(row: Row[Any]) -> queries.Place:
    return row.recommendation_score, row.recommendation_strength, row.recommendation_id


def _place(after: tuple[str, ...] | None) -> queries.Place | None:
    if after is None:
        return None
    try:
        score, strength, id = after
        place = float(score), float(strength)
        if any(value != value or abs(value) > 1 for value in place):
            raise ValueError
        return *place, UUID(id)
    except ValueError:
        raise bad_cursor() from None
