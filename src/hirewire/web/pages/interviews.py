"""Pages of interviews: proposing and choosing times, what is ahead, and the private calendar."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.interviews import InterviewsClient
from hirewire.web.api.models.interviews import Interview
from hirewire.web.pages.applications import names_by_resume, refused_page
from hirewire.web.pages.meetings import Shown, ahead_of, proposal_in, version_in
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    go,
    is_good,
    is_part,
    numbered_rows,
    or_none,
    render,
    typed,
)
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
MOST = 50
FEW = 5
ROLES = ("applicant", "employer")
PASSED_ON = ("if-none-match", "if-modified-since")
SHOWN = ("etag", "last-modified", "cache-control", "x-robots-tag", "retry-after")
"""Headers of a feed's answer that calendars need."""


@router.post("/applications/{id}/interviews")
async def propose(id: UUID, who: Asking, request: Request) -> Response:
    """Propose times for an interview, or other times than before."""
    given = await typed(request)
    rows = list((await numbered_rows(request, "day", "time", "fold", written=2)).values())
    body = proposal_in(rows, given)
    if given.get("interview"):
        moved = _id(given["interview"])
        body |= {"version": version_in(given)}
        answer = await who.interviews.act(moved, "move", body)
    else:
        answer = await who.interviews.propose(id, body)
    if answer.is_good:
        return go(who, f"/applications/{id}#interview", done="proposed")
    form = Form(given, {"slots": [dict(row) for row in rows]})
    return await _again(who, id, form, answer)


@router.post("/applications/{id}/interviews/{interview}/{action}")
async def act(id: UUID, interview: UUID, action: str, who: Asking, request: Request) -> Response:
    """Choose a time, ask for others, decline or call off."""
    given = await typed(request)
    body = {"version": version_in(given)}
    if action == "choose":
        body |= {"start": given.get("start", "")}
    elif action in ("ask", "decline", "cancel"):
        body |= {"message": given.get("message") or None}
    else:
        raise Missing
    answer = await who.interviews.act(interview, action, body)
    if answer.is_good:
        return go(
            who, f"/applications/{id}#interview", done="agreed" if action == "choose" else "sent"
        )
    return await _again(who, id, Form(given, {"action": action}), answer)


@router.get("/applications/{id}/interviews/{interview}.ics")
async def file(id: UUID, interview: UUID, who: Member) -> Response:
    """An agreed interview as a file for a calendar."""
    content = (await who.interviews.file(interview)).data
    headers = {
        "Content-Disposition": 'attachment; filename="interview.ics"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


@router.get("/interviews")
async def ahead(who: Member) -> Response:
    """What is ahead of the visitor on either side, and the address of their calendar."""
    role = who.request.query_params.get("role")
    if is_part(who.request) and role in ROLES:
        whole = "whole" in who.request.query_params
        part = await ahead_part(who, role, MOST if whole else FEW)
        return render(
            who,
            "parts/interviews_ahead.html",
            ahead=part.ahead,
            role=part.role,
            people=part.people,
            whole=whole,
        )
    applied, hiring, address = await asyncio.gather(
        ahead_part(who, "applicant", MOST),
        ahead_part(who, "employer", MOST),
        or_none(who.interviews.calendar()),
    )
    return render(
        who,
        "interviews.html",
        parts=[part for part in (applied, hiring) if part.ahead],
        address=address.data if is_good(address) else None,
        site=who.request.app.state.public_url,
    )


@router.post("/interviews/calendar")
async def change_address(who: Asking, request: Request) -> Response:
    """Make or renew the address of the visitor's calendar, or end it."""
    if (await typed(request)).get("action") == "end":
        await who.interviews.end_calendar()
        return go(who, "/interviews#calendar", done="calendar_ended")
    await who.interviews.renew_calendar()
    return go(who, "/interviews#calendar", done="calendar_made")


@router.get("/calendar/{secret}.ics")
async def feed(secret: str, request: Request) -> Response:
    """The private feed of a person, for calendar programs: the address is all they have."""
    given = [(name, request.headers[name]) for name in PASSED_ON if name in request.headers]
    client = InterviewsClient(request.app.state.services)
    try:
        reply = await client.feed(secret, [*given, *_address(request)])
    except Unavailable:
        return Response(status_code=503, headers={"Retry-After": "60"})
    headers = {name: reply.headers[name] for name in SHOWN if name in reply.headers}
    if reply.status == 304:
        return Response(status_code=304, headers=headers)
    if reply.status != 200:  # no page: a program reads it
        text = "There is no calendar at this address.\n" if reply.status == 404 else ""
        return Response(text, reply.status, headers=headers, media_type="text/plain")
    return Response(reply.content, headers=headers, media_type=reply.kind)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is ahead of the visitor on one side."""

    role: str
    ahead: list[Shown]
    people: dict[str, str]
    """Names by resume."""


async def ahead_part(who: Visitor, role: str, limit: int) -> Ahead:
    """What a list of interviews shows."""
    ahead = await ahead_of(who, role, limit)
    ids = [one.one.resumeId for one in ahead] if role == "employer" else []
    return Ahead(role, ahead, await names_by_resume(who, ids))


async def _again(who: Visitor, id: UUID, form: Form, answer: Answer[Interview]) -> Response:
    """The page of the application again, with the input and the reason for the refusal."""
    form.refuse(answer)
    return await refused_page(who, id, Form(), answer.status, meeting=form)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Missing from None


def _address(request: Request) -> list[tuple[str, str]]:
    return [("x-forwarded-for", request.client.host)] if request.client else []
