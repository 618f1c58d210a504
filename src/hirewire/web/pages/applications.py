"""Pages of applications for both sides, and the application form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.clock import day_of
from hirewire.kit.errors import Unavailable
from hirewire.web.api.services import Answer
from hirewire.web.i18n.labels import N_
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    as_file,
    back_to,
    count_unread,
    go,
    is_part,
    parts,
    render,
    typed,
)
from hirewire.web.pages.undo import Undo, undo
from hirewire.web.sessions import SignInFirst, Visitor

router = APIRouter(include_in_schema=False)
RESUMES, APPLICATIONS = "/api/profiles/resumes", "/api/vacancies/applications"
CANDIDATES = "/api/profiles/candidates"
RESUME = N_("Resume")
AHEAD = {
    "consider": "response",
    "phone_interview": "consider",
    "assessment": "phone_interview",
    "interview": "assessment",
    "offer": "interview",
    "hired": "offer",
}
"""The stages, each with the one before it."""


@router.post("/vacancies/{id}/apply")
async def apply(id: UUID, who: Asking, request: Request) -> Response:
    """Apply for a vacancy."""
    given = await typed(request)
    body = {"resumeId": given.get("resumeId", ""), "letter": given.get("letter") or None}
    path = f"/api/vacancies/vacancies/{id}/applications"
    answer = await who.call("vacancies", "POST", path, body)
    if answer.is_good:
        return go(who, f"/applications/{answer.data['id']}", done="sent")
    if answer.status == 409 and "applicationId" in answer.data:  # submitted twice
        return go(who, f"/applications/{answer.data['applicationId']}")
    form = Form(given)
    form.refuse(answer)
    found = await who.call("vacancies", "GET", f"/api/vacancies/vacancies/{id}")
    if not found.is_good:
        return render(who, "missing.html", 404)
    mine = await own(who, id)
    return render(who, "apply.html", answer.status, form=form, vacancy=found.data, **mine)


async def own(who: Visitor, vacancy: UUID) -> dict[str, Any]:
    """The user's resumes and their applications to this vacancy; None for what is unavailable."""
    if not who.is_signed_in:
        return {"resumes": None, "applied": None}
    try:
        return await parts(
            who,
            resumes=("profiles", f"{RESUMES}?limit=50"),
            applied=("vacancies", f"{APPLICATIONS}?vacancy={vacancy}&limit=20"),
        )
    except SignInFirst:
        return {"resumes": None, "applied": None}


async def names_of(who: Visitor, listed: list[dict[str, Any]]) -> dict[str, str]:
    """Names by resume where contacts are open; none if the service is unavailable."""
    ids = {one["resumeId"] for one in listed if one["acceptedAt"]}
    if not ids:
        return {}
    query = urlencode([("resume", id) for id in sorted(ids)])
    try:
        answer = await who.call("profiles", "GET", f"{CANDIDATES}?{query}")
    except Unavailable:
        return {}
    if not answer.is_good:
        return {}
    return {one["resumeId"]: one["fullName"] for one in answer.data["items"]}


def moved_to(given: dict[str, str]) -> dict[str, Any]:
    """The body of a move from its form."""
    body: dict[str, Any] = {"stage": given.get("stage", "")}
    if given.get("reason"):
        body["reason"] = given["reason"]
    if given.get("comment"):
        body |= {"comment": given["comment"], "commentShared": True}
    return body


def way_back(moved: Answer, before: str) -> Undo | None:
    """What takes a move back, if the application may return to the stage `before`."""
    if not moved.is_good or before not in moved.data["allowedStages"]:
        return None
    return undo("stage", moved.data["id"], before)


async def add_scores(who: Visitor, vacancy: UUID | str, listed: list[dict[str, Any]]) -> None:
    """Add scores to applications that were not recommended; none if the service is unavailable."""
    lacking = [one for one in listed if one["open"] and one["acceptedAt"] and one["score"] is None]
    if not lacking:
        return
    query = urlencode([("resume", one["resumeId"]) for one in lacking])
    path = f"/api/vacancies/vacancies/{vacancy}/scores?{query}"
    try:
        answer = await who.call("vacancies", "GET", path)
    except Unavailable:
        return
    found = (
        {one["resumeId"]: one["score"] for one in answer.data["items"]} if answer.is_good else {}
    )
    for one in lacking:
        one["score"] = found.get(one["resumeId"])


@router.get("/applications/{id}")
async def application(id: UUID, who: Member) -> Response:
    """An application, for either side."""
    path = f"{APPLICATIONS}/{id}"
    found = await who.call("vacancies", "GET", path)
    if not found.is_good:
        return render(who, "missing.html", 404)
    messages = await who.call("vacancies", "GET", f"{path}/messages?limit=100")
    template = "parts/application.html"
    if not is_part(who.request):
        template = "application.html"
        await count_unread(who)  # this application has now been read
    values = await _shown(who, found.data, messages.data["items"])
    return render(who, template, **values, form=Form())


async def _shown(
    who: Visitor, one: dict[str, Any], messages: list[dict[str, Any]]
) -> dict[str, Any]:
    """What the page of an application shows."""
    person, reasons = None, []
    if one["side"] == "employer":
        reasons = await _reasons(who, one)
        person = await _person(who, one)
    await named(who, one, person, {"reasons": reasons})
    heading = one["vacancyTitle"]
    if one["side"] == "employer":
        heading = (person or {}).get("fullName") or (person or {}).get("title")
        heading = heading or one["resumeTitle"] or who.words.text(RESUME)
    return {
        "one": one,
        "person": person,
        "heading": heading,
        "reasons": reasons,
        "messages": messages,
        "conversation": conversation(one, messages),
        "following": next((stage for stage in AHEAD if AHEAD[stage] == one["stage"]), ""),
    }


async def _person(who: Visitor, one: dict[str, Any]) -> dict[str, Any] | None:
    """The full resume, if contacts are or were open and its service is available."""
    if not one["acceptedAt"]:
        return None
    try:
        card = await who.call("profiles", "GET", f"{CANDIDATES}/{one['resumeId']}")
    except Unavailable:
        return None
    return card.data if card.is_good else None


async def _reasons(who: Visitor, one: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the match score; adds the score to an application without one."""
    if not one["open"] or not one["acceptedAt"]:
        return []
    query = urlencode({"resume": one["resumeId"], "reasons": "true"})
    path = f"/api/vacancies/vacancies/{one['vacancyId']}/scores?{query}"
    try:
        answer = await who.call("vacancies", "GET", path)
    except Unavailable:
        return []
    for scored in answer.data["items"] if answer.is_good else ():
        if one["score"] is None:
            one["score"] = scored["score"]
        return list(scored["reasons"])
    return []


def conversation(
    one: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Messages, the cover letter and the moves of an application in order, with a line a day."""
    entries: list[dict[str, Any]] = [
        {"kind": "event", "at": line["at"], "line": line} for line in one["history"]
    ]
    if one["letter"]:
        entries.append({"kind": "letter", "at": one["createdAt"], "text": one["letter"]})
    entries += [{"kind": "message", "at": each["sentAt"], "message": each} for each in messages]
    entries.sort(key=lambda entry: datetime.fromisoformat(entry["at"]))
    lines: list[dict[str, Any]] = []
    day = None
    for entry in entries:
        if day != (day := day_of(datetime.fromisoformat(entry["at"]))):
            lines.append({"kind": "day", "at": entry["at"]})
        lines.append(entry)
    return lines


@router.get("/applications/{id}/resume.pdf")
async def applied_with(id: UUID, who: Member) -> Response:
    """The resume used in an application, for printing."""
    found = await who.call("vacancies", "GET", f"{APPLICATIONS}/{id}")
    if not found.is_good or found.data["side"] != "employer":
        return render(who, "missing.html", 404)
    path = f"{CANDIDATES}/{found.data['resumeId']}/pdf"
    answer = await who.call("profiles", "GET", path)
    return as_file(answer.data, "pdf") if answer.is_good else render(who, "missing.html", 404)


@router.post("/applications/{id}/{action}")
async def answer_application(id: UUID, action: str, who: Asking, request: Request) -> Response:
    """Write, accept or withdraw; or, as the employer, move the application."""
    given = await typed(request)
    path = f"{APPLICATIONS}/{id}"
    bodies: dict[str, dict[str, Any]] = {
        "messages": {"text": given.get("text", "")},
        "accept": {},
        "withdraw": {"comment": given.get("comment") or None},
        "stage": moved_to(given),
    }
    if action not in bodies:
        return render(who, "missing.html", 404)
    answer = await who.call("vacancies", "POST", f"{path}/{action}", bodies[action])
    if answer.is_good:
        here = given.get("back", "")
        path = here if here.startswith("/employer/") else f"/applications/{id}"
        if action == "messages":
            return go(who, path, done="sent")
        is_moved = action == "stage" and answer.data["open"]
        back = way_back(answer, given.get("from", "")) if is_moved else None
        return back_to(who, path, "moved" if is_moved else "saved", back)
    form = Form(given)
    form.refuse(answer)
    found = await who.call("vacancies", "GET", path)
    if not found.is_good:
        return render(who, "missing.html", 404)
    messages = await who.call("vacancies", "GET", f"{path}/messages?limit=100")
    values = await _shown(who, found.data, messages.data["items"])
    return render(who, "application.html", answer.status, **values, form=form)
