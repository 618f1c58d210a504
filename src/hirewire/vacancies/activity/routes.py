"""Routes for employers who follow candidates' activity."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from hirewire.kit.http import Caller, Page, PageParams, RequestTx, bad_cursor, page_of
from hirewire.kit.models import Answer
from hirewire.kit.openapi import refuses
from hirewire.vacancies.activity import queries
from hirewire.vacancies.authority import NotAnEmployer, require_company

router = APIRouter(prefix="/api/vacancies", tags=["activity"])


class Activity(Answer):
    """An action of a candidate on a resume, without the candidate's identity."""

    event_id: UUID
    resume_id: UUID
    action: str
    experience_id: UUID | None
    education_id: UUID | None
    version: int | None
    occurred_at: datetime
    received_at: datetime
    title: str | None
    area: str | None
    skills: list[str]


@router.get("/activity", responses=refuses(NotAnEmployer))
async def list_(
    tx: RequestTx, caller: Caller, page: PageParams, request: Request, response: Response
) -> Page[Activity]:
    """Recent activity of candidates, newest first. Deleted resumes are listed without content."""
    company = await require_company(tx, caller.user_id)
    rows = await queries.latest(tx, company, limit=page.limit + 1, after=_place(page.after))
    places = {row.event_id: (row.occurred_at.isoformat(), row.position) for row in rows}
    return page_of(
        [_activity(row) for row in rows],
        page,
        request,
        response,
        Activity,
        cursor=lambda one: places[one.event_id],
    )


def _activity(row: Row[Any]) -> Activity:
    snapshot = row.snapshot or {}
    return Activity(
        event_id=row.event_id,
        resume_id=row.resume_id,
        action=row.action,
        experience_id=row.item_id if row.action.startswith("experience_") else None,
        education_id=row.item_id if row.action.startswith("education_") else None,
        version=row.version,
        occurred_at=row.occurred_at,
        received_at=row.heard_at,
        title=snapshot.get("title"),
        area=snapshot.get("area"),
        skills=[skill["name"] for skill in snapshot.get("skills") or ()],
    )


def _place(after: tuple[str, ...] | None) -> tuple[datetime, int] | None:
    if after is None:
        return None
    try:
        text, position = after
        moment, place = datetime.fromisoformat(text), int(position)
        if moment.tzinfo is None or not 0 < place < 2**63:
            raise ValueError
        return moment.astimezone(UTC), place
    except (ValueError, OverflowError):
        raise bad_cursor() from None
