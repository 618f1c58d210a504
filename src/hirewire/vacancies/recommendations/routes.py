"""Who fits what, with the reasons, for both sides."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from hirewire.kit.errors import FieldError, NotFound
from hirewire.kit.http import BadCursor, Caller, Page, PageParams, RequestTx, page_of
from hirewire.kit.models import Answer, Body, text
from hirewire.vacancies.authority import require_company
from hirewire.vacancies.recommendations import commands, queries

router = APIRouter(prefix="/api/vacancies", tags=["recommendations"])


class NoSuchVacancy(NotFound):
    """There is no such vacancy, or it is not yours."""


class Reason(Answer):
    """One summand of a score."""

    part: str
    verdict: str
    points: float
    most: float
    about: str | None
    must: bool
    pointer: str | None


class Card(Answer):
    """What an employer sees of a resume: nothing that tells whose it is."""

    title: str | None
    area: str | None
    relocation: bool
    experience_months: int
    skills: list[dict[str, Any]]
    languages: list[dict[str, Any]]
    salary: dict[str, Any] | None


class _Recommendation(Answer):
    id: UUID
    vacancy_id: UUID
    resume_id: UUID
    score: float
    resume_version: int | None
    vacancy_version: int
    ruleset: str
    reasons: list[Reason]
    created_at: datetime
    updated_at: datetime


class Recommendation(_Recommendation):
    """A resume that fits, as the employer sees it."""

    state: str
    resume: Card


class Recommended(_Recommendation):
    """A vacancy that fits, as the candidate sees it."""

    title: str
    company_name: str
    area: str | None
    work_format: str | None
    salary: dict[str, Any] | None


class Decision(Body):
    """What the employer makes of it."""

    state: Literal["seen", "shortlisted", "dismissed"]
    reason: Annotated[str, text(1, 500)] | None = None


@router.get("/vacancies/{id}/recommendations")
async def for_vacancy(
    id: UUID,
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
) -> Page[Recommendation]:
    """Resumes that fit one's vacancy, the best first, each with its reasons."""
    company = await require_company(tx, caller.user_id)
    if not await queries.is_companys(tx, id, company):
        raise NoSuchVacancy
    rows = await queries.for_vacancy(tx, id, limit=page.limit + 1, after=_place(page.after))
    items = [_recommendation(row) for row in rows]
    return page_of(
        items, page, request, response, Recommendation, cursor=lambda one: (one.score, one.id)
    )


@router.get("/recommended")
async def for_me(
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
) -> Page[Recommended]:
    """Vacancies that one's resumes fit, the best first, each with its reasons."""
    rows = await queries.for_user(
        tx, caller.user_id, limit=page.limit + 1, after=_place(page.after)
    )
    items = [_recommended(row) for row in rows]
    return page_of(
        items, page, request, response, Recommended, cursor=lambda one: (one.score, one.id)
    )


@router.post("/recommendations/{id}/state", status_code=204)
async def decide(id: UUID, body: Decision, tx: RequestTx, caller: Caller) -> None:
    """Note that one has seen it, keeps it in view, or does not want it."""
    company = await require_company(tx, caller.user_id)
    await commands.decide(tx, company, id, body.state, reason=body.reason)


def _common(row: Row[Any]) -> dict[str, Any]:
    names = [
        *("id", "vacancy_id", "resume_id", "score", "resume_version", "vacancy_version"),
        *("ruleset", "created_at", "updated_at"),
    ]
    vacancy = _vacancy(row)
    reasons = queries.reasons(vacancy, row.resume_snapshot)
    return {name: getattr(row, f"recommendation_{name}") for name in names} | {"reasons": reasons}


def _vacancy(row: Row[Any]) -> dict[str, Any]:
    prefix = "vacancy_"
    return {
        name.removeprefix(prefix): value
        for name, value in row._mapping.items()
        if name.startswith(prefix)
    }


def _recommendation(row: Row[Any]) -> Recommendation:
    snapshot = row.resume_snapshot
    card = Card(
        title=snapshot.get("title"),
        area=snapshot.get("area"),
        relocation=bool(snapshot.get("relocation")),
        experience_months=snapshot.get("experienceMonths") or 0,
        skills=snapshot.get("skills") or [],
        languages=snapshot.get("languages") or [],
        salary=snapshot.get("salary"),
    )
    return Recommendation(**_common(row), state=row.recommendation_state, resume=card)


def _recommended(row: Row[Any]) -> Recommended:
    return Recommended(
        **_common(row),
        title=row.vacancy_title,
        company_name=row.company_name,
        area=row.vacancy_area,
        work_format=row.vacancy_work_format,
        salary=row.vacancy_salary,
    )


def _place(after: tuple[str, ...] | None) -> tuple[float, UUID] | None:
    if after is None:
        return None
    try:
        score, id = after
        place = float(score)
        if place != place or abs(place) > 1:
            raise ValueError
        return place, UUID(id)
    except ValueError:
        raise BadCursor(errors=[FieldError("", "after: not a cursor of this list")]) from None
