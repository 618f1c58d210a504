"""Who fits what, with the reasons, for both sides."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy import Row

from hirewire.contracts.vocabulary import EmploymentType, Experience, LanguageLevel, WorkFormat
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
from hirewire.kit.models import Answer, Body, text
from hirewire.kit.openapi import refuses
from hirewire.vacancies.authority import NotAnEmployer, require_company
from hirewire.vacancies.pay import Salary
from hirewire.vacancies.presenters import Card, OfferedSalary, card_of
from hirewire.vacancies.recommendations import commands, previews, queries

router = APIRouter(prefix="/api/vacancies", tags=["recommendations"])


class NoSuchVacancy(NotFound):
    """Vacancy not found, or it is not yours."""

    code = "vacancy_not_found"


class NoSuchResume(NotFound):
    """Resume not found, or not received by this service yet."""

    code = "resume_not_found"


class Ask(Body):
    """A required skill."""

    skill: Annotated[str, text(1, 200)]
    kind: Literal["must", "nice"] = "must"
    level: Annotated[int, Field(ge=1, le=5)] | None = None


class Language(Body):
    """A required or known language."""

    language: Annotated[str, text(1, 200)]
    level: LanguageLevel | None = None


class Offered(Body):
    """A skill of a candidate."""

    name: Annotated[str, text(1, 200)]
    level: Annotated[int, Field(ge=1, le=5)] | None = None


class Expected(Body):
    """The expected salary."""

    amount: Annotated[int, Field(ge=0, le=1_000_000_000)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    unit: Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"] = "MONTH"


class Reason(Answer):
    """One part of a score."""

    part: str
    verdict: str
    points: float
    most: float
    about: str | None
    must: bool
    pointer: str | None


class _Recommendation(Answer):
    id: UUID
    vacancy_id: UUID
    resume_id: UUID
    score: float
    resume_version: int | None
    vacancy_version: int
    ruleset: str
    reasons: list[Reason]
    application_id: UUID | None
    """The open application of this resume for this vacancy."""
    created_at: datetime
    updated_at: datetime


class Recommendation(_Recommendation):
    """A matching resume, as the employer sees it."""

    vacancy_title: str
    state: str
    resume: Card


class Recommended(_Recommendation):
    """A matching vacancy, as the candidate sees it."""

    title: str
    company_name: str
    area: str | None
    work_format: str | None
    salary: OfferedSalary | None


class Score(Answer):
    """The match score of a resume."""

    resume_id: UUID
    score: float
    """0 to 1."""
    reasons: list[Reason] = []
    """The parts of the score, if they were asked for."""


class Scores(Answer):
    """Scores, for the resumes that have one."""

    items: list[Score]


class Decision(Body):
    """The employer's decision on a recommendation."""

    state: Literal["seen", "shortlisted", "dismissed"]
    reason: Annotated[str, text(1, 500)] | None = None


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
    """Match scores of resumes with an open application for a vacancy, also of resumes that are not
    recommended; with their reasons if asked. Invitations without an answer are left out.
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


class Draft(Body):
    """Unsaved requirements of a vacancy; fields that are not sent are taken as saved."""

    title: Annotated[str, text(1, 200)] = ""
    requirements: Annotated[list[Ask], Field(max_length=30)] = []
    experience: Experience | None = None
    employment_type: EmploymentType | None = None
    work_format: WorkFormat | None = None
    area: Annotated[str, text(1, 200)] | None = None
    salary: Salary | None = None
    languages: Annotated[list[Language], Field(max_length=50)] = []


class Cost(Answer):
    """The number of candidates without a requirement, and if it were only nice to have."""

    skill: str
    kind: str
    without: int
    as_nice: int


class Exclusion(Answer):
    """How many resumes one condition excludes on its own."""

    part: str
    about: str | None
    """The skill or language, as the vacancy names it."""
    resumes: int


class Price(Answer):
    """The number of matching candidates and the effect of each requirement."""

    candidates: int
    resumes: int
    """All that one may find on the board."""
    requirements: list[Cost]
    exclusions: list[Exclusion]
    """The conditions that leave out somebody, those that leave out most first."""


class ResumeDraft(Body):
    """Unsaved changes of a resume; fields that are not sent are taken as saved."""

    title: Annotated[str, text(1, 200)] | None = None
    area: Annotated[str, text(1, 200)] | None = None
    relocation: bool = False
    skills: Annotated[list[Offered], Field(max_length=200)] = []
    work_formats: list[WorkFormat] = []
    employment_types: list[EmploymentType] = []
    salary: Expected | None = None
    languages: Annotated[list[Language], Field(max_length=50)] = []


class Preview(Body):
    """A resume and its unsaved changes."""

    resume_id: UUID
    changes: ResumeDraft = ResumeDraft()


class Suggestion(Answer):
    """A skill, and how many more vacancies would match with it."""

    skill: str
    opens: int


class Reach(Answer):
    """The number of matching vacancies, now and after the changes."""

    now: int
    then: int
    gained: list[UUID]
    lost: list[UUID]
    suggestions: list[Suggestion]


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


class Common(TypedDict):
    """What both sides see of a match."""

    id: UUID
    vacancy_id: UUID
    resume_id: UUID
    score: float
    resume_version: int | None
    vacancy_version: int
    ruleset: str
    reasons: list[Reason]
    application_id: UUID | None
    created_at: datetime
    updated_at: datetime


def _common(row: Row[Any]) -> Common:
    reasons = queries.reasons(_vacancy(row), row.resume_snapshot)
    return {
        "id": row.recommendation_id,
        "vacancy_id": row.recommendation_vacancy_id,
        "resume_id": row.recommendation_resume_id,
        "score": row.recommendation_score,
        "resume_version": row.recommendation_resume_version,
        "vacancy_version": row.recommendation_vacancy_version,
        "ruleset": row.recommendation_ruleset,
        "reasons": [Reason.model_validate(one) for one in reasons],
        "application_id": row.application_id,
        "created_at": row.recommendation_created_at,
        "updated_at": row.recommendation_updated_at,
    }


def _vacancy(row: Row[Any]) -> Mapping[str, Any]:
    prefix = "vacancy_"
    return {
        name.removeprefix(prefix): value
        for name, value in row._mapping.items()
        if name.startswith(prefix)
    }


def _recommendation(row: Row[Any]) -> Recommendation:
    card = card_of(row.resume_snapshot)
    return Recommendation(
        **_common(row),
        vacancy_title=row.vacancy_title,
        state=row.recommendation_state,
        resume=card,
    )


def _recommended(row: Row[Any]) -> Recommended:
    return Recommended(
        **_common(row),
        title=row.vacancy_title,
        company_name=row.company_name,
        area=row.vacancy_area,
        work_format=row.vacancy_work_format,
        salary=row.vacancy_salary,
    )


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
