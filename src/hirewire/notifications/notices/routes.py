"""Routes for the list of the caller's notices."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from hirewire.kit.http import Caller, Page, PageParams, RequestTx, page_of, place_of_id
from hirewire.kit.models import Answer, Body
from hirewire.kit.openapi import refuses
from hirewire.notifications.kinds import Kind, Side
from hirewire.notifications.notices import commands, queries

router = APIRouter(prefix="/api/notifications/notices", tags=["notices"])


class Notice(Answer):
    """Something that has happened, for the caller to know."""

    id: UUID
    kind: Kind
    at: datetime
    read: bool
    count: int
    """How many matches, messages or jobs found it stands for; 1 for all other kinds."""
    side: Side
    """Whether the caller is notified as an applicant or as somebody of the company."""
    application_id: UUID | None
    vacancy_id: UUID | None
    vacancy_title: str | None
    company_id: UUID | None
    company_name: str | None
    resume_id: UUID | None
    resume_title: str | None
    """Of then, if the caller could read it."""
    interview_id: UUID | None
    starts_at: datetime | None
    """Of an interview: the agreed time, or the one that was called off, as it was then."""
    time_zone: str | None
    """Of the interview."""
    minutes: int | None
    """Of the interview."""
    search_id: UUID | None
    """The saved search that has found jobs."""
    detail: str | None
    """Of `application_answered`: `accepted`, `declined` or `withdrawn`. Of `application_moved`: the
    applicant's state. Of `vacancy_closed`: the reason. Of `interview_proposed`: `moved`, if other
    times were proposed before. Of `interview_declined`: `declined` or `other_times`. Of
    `interview_cancelled`: `called_off`, `application_ended`, `account_deleted`, or `moved`:
    your side looks for another time than the agreed one.
    """


class Unread(Answer):
    """The number of notices that the caller has not read."""

    count: int


class Until(Body):
    """Up to which notice all are read."""

    until: UUID


class About(Body):
    """What the caller has seen; notices that are about all of it are read."""

    kind: Kind | None = None
    application_id: UUID | None = None
    vacancy_id: UUID | None = None
    resume_id: UUID | None = None
    search_id: UUID | None = None


@router.get("")
async def list_(
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
    unread: Annotated[bool, Query()] = False,
) -> Page[Notice]:
    """Your notices, newest first; with `unread` only those that you have not read."""
    response.headers["Cache-Control"] = "no-store"
    rows = await queries.latest(
        tx, caller.user_id, limit=page.limit + 1, after=place_of_id(page.after), unread=unread
    )
    return page_of(rows, page, request, response, Notice, cursor=lambda one: (one.id,))


@router.get("/unread")
async def unread(tx: RequestTx, caller: Caller, response: Response) -> Unread:
    """How many notices you have not read."""
    response.headers["Cache-Control"] = "no-store"
    return Unread(count=await queries.unread(tx, caller.user_id))


@router.get("/{id}", responses=refuses(commands.NoSuchNotice))
async def one(id: UUID, tx: RequestTx, caller: Caller, response: Response) -> Notice:
    """One of your notices."""
    response.headers["Cache-Control"] = "no-store"
    found = await queries.one(tx, caller.user_id, id)
    if found is None:
        raise commands.NoSuchNotice
    return Notice.model_validate(found)


@router.put("/{id}/read", status_code=204, responses=refuses(commands.NoSuchNotice))
async def read(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Mark a notice as read. It can be repeated."""
    await commands.read(tx, caller.user_id, id)


@router.post("/read", status_code=204)
async def read_until(body: Until, tx: RequestTx, caller: Caller) -> None:
    """Mark a notice and all older ones as read."""
    await commands.read_until(tx, caller.user_id, body.until)


@router.post("/read-about")
async def read_about(body: About, tx: RequestTx, caller: Caller, response: Response) -> Unread:
    """Mark the notices as read that are about all things named, of which there must be one; the
    answer counts the unread ones that are left. Whoever opens an application has read its notices.
    """
    response.headers["Cache-Control"] = "no-store"
    await commands.read_about(
        tx,
        caller.user_id,
        kind=body.kind,
        application_id=body.application_id,
        vacancy_id=body.vacancy_id,
        resume_id=body.resume_id,
        search_id=body.search_id,
    )
    return Unread(count=await queries.unread(tx, caller.user_id))
