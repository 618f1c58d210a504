"""Pages of applications for both sides, and the application form."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.kit.clock import day_of, today
from hirewire.web.api.answers import Answer, Missing, SignInFirst
from hirewire.web.api.models.applications import Application, Message, Move
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.profiles import ResumeInList, WholeResume
from hirewire.web.api.models.vacancies import Reason
from hirewire.web.i18n import zones
from hirewire.web.i18n.labels import N_
from hirewire.web.pages.meetings import DURATIONS, Meetings, shown, zone_of
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    as_file,
    back_to,
    count_unread,
    go,
    is_good,
    is_part,
    or_none,
    render,
    saw,
    typed,
)
from hirewire.web.pages.undo import Undo, undo
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
RESUME = N_("Resume")
AHEAD = {
    "response": "consider",
    "consider": "phone_interview",
    "phone_interview": "assessment",
    "assessment": "interview",
    "interview": "offer",
    "offer": "hired",
}
"""Each stage with the next one."""


class Own(TypedDict):
    """The visitor's own resumes, and applications to one job; None if unavailable."""

    resumes: Answer[Items[ResumeInList]] | None
    applied: Answer[Items[Application]] | None


@router.post("/vacancies/{id}/apply")
async def apply(id: UUID, who: Asking, request: Request) -> Response:
    """Apply for a vacancy."""
    given = await typed(request)
    answer = await who.applications.apply(
        id, given.get("resumeId", ""), given.get("letter") or None
    )
    if answer.is_good:
        return go(who, f"/applications/{answer.data.id}", done="sent")
    if answer.status == 409 and "applicationId" in answer.refusal:  # the form was submitted twice
        return go(who, f"/applications/{answer.refusal['applicationId']}")
    form = Form(given)
    form.refuse(answer)
    vacancy = (await who.vacancies.vacancy(id)).data
    mine = await own(who, id)
    return render(who, "apply.html", answer.status, form=form, vacancy=vacancy, **mine)


async def own(who: Visitor, vacancy: UUID) -> Own:
    """The user's resumes and their applications to this vacancy."""
    if not who.is_signed_in:
        return {"resumes": None, "applied": None}
    try:
        resumes, applied = await asyncio.gather(
            or_none(who.profiles.resumes()), or_none(who.applications.sent(20, vacancy=vacancy))
        )
    except SignInFirst:
        return {"resumes": None, "applied": None}
    return {"resumes": resumes, "applied": applied}


async def names_of(who: Visitor, listed: Sequence[Application]) -> dict[str, str]:
    """Names by resume, where contacts are open; empty if the service is unavailable."""
    return await names_by_resume(who, [one.resumeId for one in listed if one.acceptedAt])


async def names_by_resume(who: Visitor, ids: Sequence[str]) -> dict[str, str]:
    """The same for resumes whose contacts are open."""
    if not ids:
        return {}
    answer = await or_none(who.profiles.candidate_names(sorted(set(ids))))
    found = answer.data.items if is_good(answer) else ()
    return {one.resumeId: one.fullName for one in found}


def move_in(given: dict[str, str]) -> dict[str, JsonValue]:
    """The request body of a move, from its form."""
    body: dict[str, JsonValue] = {"stage": given.get("stage", "")}
    if given.get("reason"):
        body["reason"] = given["reason"]
    if given.get("comment"):
        body |= {"comment": given["comment"], "commentShared": True}
    return body


def way_back(moved: Answer[Application], before: str) -> Undo | None:
    """The undo of a move; None if the application cannot return to the stage `before`."""
    if moved.found is None or before not in moved.found.allowedStages:
        return None
    return undo("stage", moved.found.id, before)


async def scores_of(
    who: Visitor, vacancy: UUID | str, listed: Sequence[Application]
) -> dict[str, float]:
    """Scores by resume, for applications that lack one; empty if the service is unavailable."""
    lacking = [one.resumeId for one in listed if one.open and one.acceptedAt and one.score is None]
    if not lacking:
        return {}
    answer = await or_none(who.vacancies.scores(vacancy, lacking))
    found = answer.data.items if is_good(answer) else ()
    return {one.resumeId: one.score for one in found}


def scored(one: Application, scores: dict[str, float]) -> Application:
    """The application, with its score from `scores` if it lacks one."""
    if one.score is not None or one.resumeId not in scores:
        return one
    return one.model_copy(update={"score": scores[one.resumeId]})


@router.get("/applications/{id}")
async def application(id: UUID, who: Member) -> Response:
    """An application, for either side."""
    found = (await who.applications.application(id)).data
    messages = (await who.applications.messages(id)).data.items
    template = "parts/application.html"
    seen = saw(who, applicationId=str(id))
    if is_part(who.request):
        await seen
    else:
        template = "application.html"
        await asyncio.gather(count_unread(who), seen)  # the messages have been marked as read
    return await _page(who, found, messages, Form(), template=template)


async def _page(
    who: Visitor,
    one: Application,
    messages: Sequence[Message],
    form: Form,
    status: int = 200,
    *,
    template: str = "application.html",
    meeting: Form | None = None,
) -> Response:
    """The page of an application, as its reader's side sees it."""
    meetings = await _meetings(who, one, meeting or Form())
    person, heading = None, one.vacancyTitle
    reasons: tuple[Reason, ...] = ()
    if one.side == "employer":
        one, reasons = await _explained(who, one)
        person = await named(who, await _person(who, one))
        heading = (person and (person.fullName or person.title)) or one.resumeTitle or ""
    return render(
        who,
        template,
        status,
        one=await named(who, one),
        heading=heading or who.words.text(RESUME),
        person=person,
        reasons=await named(who, reasons),
        messages=messages,
        conversation=conversation(one, messages),
        meetings=meetings,
        regions=zones.regions(who.words.lang, today()),
        canonical=zones.canonical,
        durations=DURATIONS,
        following=AHEAD.get(one.stage or "", ""),
        form=form,
    )


async def _meetings(who: Visitor, one: Application, form: Form) -> Meetings:
    """The interviews of an application, and the form to propose one."""
    may_propose = one.side == "employer" and one.open and one.acceptedAt is not None
    answer = await or_none(who.interviews.of(one.id))
    if not is_good(answer):
        return Meetings([], False, "UTC", form, is_known=False)
    found = answer.data.items
    here = await zone_of(who) if found or may_propose else "UTC"
    items = [shown(who.words, each, here) for each in found]
    is_free = not any(each.is_ahead for each in items)
    return Meetings(items, may_propose and is_free, here, form)


async def _explained(who: Visitor, one: Application) -> tuple[Application, tuple[Reason, ...]]:
    """The application with its score, and the parts of the score."""
    if not one.open or not one.acceptedAt:
        return one, ()
    answer = await or_none(who.vacancies.scores(one.vacancyId, [one.resumeId], explained=True))
    found = answer.data.items if is_good(answer) else ()
    if not found:
        return one, ()
    return scored(one, {one.resumeId: found[0].score}), found[0].reasons


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the conversation about an application."""

    kind: Literal["day", "letter", "message", "move"]
    at: str
    message: Message | None = None
    move: Move | None = None


def conversation(one: Application, messages: Sequence[Message]) -> list[Entry]:
    """The cover letter, messages and moves of an application in order, with a line for each day."""
    entries = [Entry("move", move.at, move=move) for move in one.history]
    if one.letter:
        entries.append(Entry("letter", one.createdAt))
    entries += [Entry("message", message.sentAt, message=message) for message in messages]
    lines: list[Entry] = []
    day = None
    for entry in sorted(entries, key=lambda entry: datetime.fromisoformat(entry.at)):
        if day != (day := day_of(datetime.fromisoformat(entry.at))):
            lines.append(Entry("day", entry.at))
        lines.append(entry)
    return lines


async def _person(who: Visitor, one: Application) -> WholeResume | None:
    """The applicant; None if contacts are closed or the service is unavailable."""
    if not one.acceptedAt:
        return None
    card = await or_none(who.profiles.candidate(one.resumeId))
    return card.data if is_good(card) else None


@router.get("/applications/{id}/resume.pdf")
async def applied_with(id: UUID, who: Member) -> Response:
    """The resume used in an application, for printing."""
    found = (await who.applications.application(id)).data
    if found.side != "employer":
        raise Missing
    return as_file((await who.profiles.candidate_pdf(found.resumeId)).data, "pdf")


@router.post("/applications/{id}/{action}")
async def answer_application(id: UUID, action: str, who: Asking, request: Request) -> Response:
    """Write, accept or withdraw; or, as the employer, move the application."""
    given = await typed(request)
    if action == "stage":
        return await _move(who, id, given)
    bodies: dict[str, dict[str, JsonValue]] = {
        "messages": {"text": given.get("text", "")},
        "accept": {},
        "withdraw": {"comment": given.get("comment") or None},
    }
    body = bodies.get(action)
    if body is None:
        raise Missing
    answer = await who.applications.act(id, action, body)
    if answer.is_good:
        return go(who, f"/applications/{id}", done="sent" if action == "messages" else "saved")
    return await _refused(who, id, given, answer)


async def _move(who: Visitor, id: UUID, given: dict[str, str]) -> Response:
    answer = await who.applications.move(str(id), move_in(given))
    if answer.found is None:
        return await _refused(who, id, given, answer)
    here = given.get("back", "")
    path = here if here.startswith("/employer/") else f"/applications/{id}"
    if not answer.found.open:
        return back_to(who, path, "saved")
    return back_to(who, path, "moved", way_back(answer, given.get("from", "")))


async def _refused(
    who: Visitor, id: UUID, given: dict[str, str], answer: Answer[object]
) -> Response:
    """The page again, with the input and the reason for the refusal."""
    form = Form(given)
    form.refuse(answer)
    return await refused_page(who, id, form, answer.status)


async def refused_page(
    who: Visitor, id: UUID, form: Form, status: int, *, meeting: Form | None = None
) -> Response:
    """The page of an application with a form that was refused."""
    found = (await who.applications.application(id)).data
    messages = (await who.applications.messages(id)).data.items
    return await _page(who, found, messages, form, status, meeting=meeting)
