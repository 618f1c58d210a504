"""Pages of applications for both sides, and the application form."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    as_file,
    count_unread,
    go,
    is_part,
    parts,
    render,
    typed,
)
from hirewire.web.sessions import SignInFirst, Visitor

router = APIRouter(include_in_schema=False)
RESUMES, APPLICATIONS = "/api/profiles/resumes", "/api/vacancies/applications"
CANDIDATES = "/api/profiles/candidates"


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
    person = None
    if found.data["side"] == "employer":
        await add_scores(who, found.data["vacancyId"], [found.data])
    if found.data["side"] == "employer" and found.data["acceptedAt"]:
        try:
            card = await who.call("profiles", "GET", f"{CANDIDATES}/{found.data['resumeId']}")
            person = card.data if card.is_good else None
        except Unavailable:
            person = None
    await named(who, found.data, person)
    template = "parts/application.html"
    if not is_part(who.request):
        template = "application.html"
        await count_unread(who)  # this application has now been read
    return render(
        who, template, one=found.data, messages=messages.data["items"], person=person, form=Form()
    )


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
        "stage": {"stage": given.get("stage", "")}
        | ({"reason": given["reason"]} if given.get("reason") else {})
        | ({"comment": given["comment"], "commentShared": True} if given.get("comment") else {}),
    }
    if action not in bodies:
        return render(who, "missing.html", 404)
    answer = await who.call("vacancies", "POST", f"{path}/{action}", bodies[action])
    if answer.is_good:
        back = given.get("back", "")
        path = back if back.startswith("/employer/") else f"/applications/{id}"
        return go(who, path, done="saved")
    form = Form(given)
    form.refuse(answer)
    found = await who.call("vacancies", "GET", path)
    if not found.is_good:
        return render(who, "missing.html", 404)
    messages = await who.call("vacancies", "GET", f"{path}/messages?limit=100")
    return render(
        who,
        "application.html",
        answer.status,
        one=found.data,
        messages=messages.data["items"],
        person=None,
        form=form,
    )
