"""What an employer sees and does: company, vacancies, who fits, applications."""

import asyncio
import re
from html import escape
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.clients import Answer
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    go,
    is_part,
    local_path,
    render,
    rows,
    typed,
)
from hirewire.web.pages.searching import SEARCHED, Asked
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer", include_in_schema=False)
PROFILE, VACANCIES = "/api/vacancies/employer-profile", "/api/vacancies/vacancies"
APPLICATIONS = "/api/vacancies/applications"
DECLINED = "discard_by_employer"
STAGES = ("response", "consider", "phone_interview", "assessment", "interview", "offer", "hired")
EMPTY_ROWS = 3
FIELDS = ("title", "description", "experience", "employmentType", "workFormat", "area", "address")


@router.get("")
async def home(who: Member) -> Response:
    """An employer's home; the company's form for who is none yet."""
    profile = await who.call("vacancies", "GET", PROFILE)
    if not profile.is_good:
        return render(who, "hire.html", form=Form())
    feed = await who.call("vacancies", "GET", "/api/vacancies/activity?limit=15")
    if is_part(who.request):
        return render(who, "parts/feed.html", feed=feed.data["items"])
    mine, received = await _mine(who)
    return render(
        who,
        "employer.html",
        company=profile.data,
        feed=feed.data["items"],
        vacancies=mine,
        received=received,
        matches=await _latest_matches(who, mine),
        form=Form(),
    )


@router.get("/mine")
async def mine(who: Member) -> Response:
    """One's vacancies alone, for the open page that was told of an application."""
    if not is_part(who.request):
        return go(who, "/employer")
    vacancies, received = await _mine(who)
    return render(who, "parts/my_vacancies.html", vacancies=vacancies, received=received)


@router.get("/matches")
async def matches(who: Member) -> Response:
    """The matches alone, for the open page that was told of a new one."""
    if not is_part(who.request):
        return go(who, "/employer")
    vacancies, _ = await _mine(who)
    found = await _latest_matches(who, vacancies)
    return render(who, "parts/resumes_matched.html", matches=found)


@router.get("/resumes")
async def resumes(who: Member) -> Response:
    """Resumes of those who want to be found, with a search and what narrows it."""
    asked = Asked(who.request, (*SEARCHED, "salaryTo"))
    found, mine = await asyncio.gather(
        who.call("vacancies", "GET", f"/api/vacancies/resumes?{asked.query}"),
        who.call("vacancies", "GET", f"{VACANCIES}?mine=true&limit=50"),
    )
    if found.status == 403:
        return go(who, "/employer")
    if not found.is_good:
        return render(who, "missing.html", found.status)
    return render(
        who,
        "resumes.html",
        found=found.data,
        vacancies=[one for one in mine.data["items"] if one["status"] == "published"],
        facets=asked.facets(found.data),
        following=asked.following(found.data),
        **asked.values,
    )


@router.post("/resumes")
async def invite(who: Asking, request: Request) -> Response:
    """Invite somebody who was found."""
    given = await typed(request)
    body = {"resumeId": given.get("resumeId", ""), "message": given.get("message") or None}
    path = f"{VACANCIES}/{quote(given.get('vacancy', ''), safe='')}/invitations"
    answer = await who.call("vacancies", "POST", path, body)
    if answer.is_good:
        return go(who, f"/applications/{answer.data['id']}", done="sent")
    back = local_path(given.get("back"), "/employer/resumes")
    return go(who, f"{back}{'&' if '?' in back else '?'}done={_said(answer)}")


@router.post("")
async def hire(who: Asking, request: Request) -> Response:
    """Become an employer, with the session one has."""
    given = await typed(request)
    body = {"companyName": given.get("companyName", ""), "phone": given.get("phone") or None}
    answer = await who.call("vacancies", "POST", PROFILE, body)
    if answer.is_good or answer.status == 409:
        return go(who, "/employer", done="hiring")
    form = Form(given)
    form.refuse(answer)
    return render(who, "hire.html", answer.status, form=form)


@router.post("/vacancies")
async def draft(who: Asking, request: Request) -> Response:
    """A new vacancy, from a title."""
    given = await typed(request)
    answer = await who.call("vacancies", "POST", VACANCIES, {"title": given.get("title", "")})
    if answer.is_good:
        return go(who, f"/employer/vacancies/{answer.data['id']}")
    form = Form(given)
    form.refuse(answer)
    return render(who, "new_vacancy.html", answer.status, form=form)


@router.get("/vacancies/{id}")
async def vacancy(id: UUID, who: Member) -> Response:
    """The editor."""
    answer = await who.call("vacancies", "GET", f"{VACANCIES}/{id}")
    if not answer.is_good or not answer.data["allowedActions"]:
        return render(who, "missing.html", 404)
    return _editor(who, answer.data, Form(answer.data))


@router.post("/vacancies/{id}")
async def change(id: UUID, who: Asking, request: Request) -> Response:
    """Save, move on, or look what a requirement costs."""
    given = await typed(request)
    action, path = given.get("action", "save"), f"{VACANCIES}/{id}"
    if action in ("pause", "close", "archive"):
        body = {"reason": given.get("reason") or "filled"} if action == "close" else None
        answer = await who.call("vacancies", "POST", f"{path}/{action}", body)
        return go(who, f"/employer/vacancies/{id}", done=_said(answer))
    body = await _body(request, given)
    if action == "price":
        return await _price(who, id, body)
    answer = await who.call("vacancies", "PATCH", path, body)
    if answer.is_good and action == "publish":
        answer = await who.call("vacancies", "POST", f"{path}/publish")
    if answer.is_good:
        return go(who, f"/employer/vacancies/{id}", done="saved")
    saved = await who.call("vacancies", "GET", path)
    if not saved.is_good:
        return render(who, "missing.html", 404)
    form = Form(saved.data | body)
    form.refuse(answer)
    return _editor(who, saved.data, form, answer.status)


@router.get("/vacancies/{id}/candidates")
async def candidates(id: UUID, who: Member) -> Response:
    """Resumes that fit, with the reasons."""
    found, listed = await asyncio.gather(
        who.call("vacancies", "GET", f"{VACANCIES}/{id}"),
        who.call("vacancies", "GET", f"{VACANCIES}/{id}/recommendations?limit=50"),
    )
    if not found.is_good or not listed.is_good:
        return render(who, "missing.html", 404)
    template = "parts/candidates.html" if is_part(who.request) else "candidates.html"
    return render(who, template, vacancy=found.data, items=listed.data["items"])


@router.post("/vacancies/{id}/candidates")
async def decide(id: UUID, who: Asking, request: Request) -> Response:
    """Invite somebody, or say that they do not fit."""
    given = await typed(request)
    if given.get("action") == "invite":
        body = {"resumeId": given.get("resumeId", ""), "message": given.get("message") or None}
        answer = await who.call("vacancies", "POST", f"{VACANCIES}/{id}/invitations", body)
        if answer.is_good:
            return go(who, f"/applications/{answer.data['id']}", done="sent")
    else:
        path = f"/api/vacancies/recommendations/{given.get('recommendation', '')}/state"
        answer = await who.call("vacancies", "POST", path, {"state": given.get("action", "")})
    return go(who, f"/employer/vacancies/{id}/candidates", done=_said(answer))


@router.get("/vacancies/{id}/board")
async def board(id: UUID, who: Member) -> Response:
    """The applications for a vacancy, by stage."""
    query = urlencode({"role": "employer", "vacancy": str(id), "limit": 100})
    found, listed = await asyncio.gather(
        who.call("vacancies", "GET", f"{VACANCIES}/{id}"),
        who.call("vacancies", "GET", f"{APPLICATIONS}?{query}"),
    )
    if not found.is_good or not listed.is_good:
        return render(who, "missing.html", 404)
    columns: dict[str, list[Any]] = {stage: [] for stage in STAGES}
    ended: list[Any] = []
    for one in listed.data["items"]:
        columns.get(one["stage"], ended).append(one)
    template = "parts/board.html" if is_part(who.request) else "board.html"
    return render(
        who, template, vacancy=found.data, columns=columns, ended=ended, declined=DECLINED
    )


async def _mine(who: Visitor) -> tuple[list[dict[str, Any]], dict[str, dict[str, int]]]:
    """One's company's vacancies; and by vacancy how many applications, and how many are new."""
    query = urlencode({"role": "employer", "limit": 100})
    vacancies, listed = await asyncio.gather(
        who.call("vacancies", "GET", f"{VACANCIES}?mine=true&limit=50"),
        who.call("vacancies", "GET", f"{APPLICATIONS}?{query}"),
    )
    received: dict[str, dict[str, int]] = {}
    for one in listed.data["items"] if listed.is_good else ():
        counts = received.setdefault(one["vacancyId"], {"all": 0, "new": 0})
        counts["all"] += 1
        counts["new"] += one["stage"] == "response"
    return vacancies.data["items"] if vacancies.is_good else [], received


async def _latest_matches(
    who: Visitor, vacancies: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The best matches of one's open vacancies, each with its vacancy."""
    shown = [one for one in vacancies if one["status"] == "published"][:5]

    async def of(one: dict[str, Any]) -> Answer | None:
        try:
            path = f"{VACANCIES}/{one['id']}/recommendations?limit=3"
            return await who.call("vacancies", "GET", path)
        except Unavailable:
            return None

    answers = await asyncio.gather(*(of(one) for one in shown))
    return [
        (one, match)
        for one, answer in zip(shown, answers, strict=True)
        if answer is not None and answer.is_good
        for match in answer.data["items"]
    ]


def _said(answer: Answer) -> str:
    return "saved" if answer.is_good else "changed"


def _markup(written: str) -> str:
    """HTML as it is (the service sanitises it); plain text as paragraphs."""
    if not written or re.search(r"<[a-zA-Z][^>]*>", written):
        return written
    paragraphs = (part.strip() for part in re.split(r"\r?\n\s*\r?\n", written))
    return "".join(f"<p>{escape(part, quote=False)}</p>" for part in paragraphs if part)


async def _price(who: Visitor, id: UUID, body: dict[str, Any]) -> Response:
    names = ("title", "requirements", "experience", "workFormat", "area")
    asked = {name: body[name] for name in names if body[name] is not None}
    path = f"{VACANCIES}/{id}/price"
    answer = await who.call("vacancies", "POST", path, asked)
    price = answer.data if answer.is_good else None
    if is_part(who.request):
        return render(who, "parts/price.html", price=price)
    saved = await who.call("vacancies", "GET", f"{VACANCIES}/{id}")
    if not saved.is_good:
        return render(who, "missing.html", 404)
    return _editor(who, saved.data, Form(saved.data | body), price=price)


async def _body(request: Request, given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: given.get(name) or None for name in FIELDS}
    body["title"] = given.get("title", "")
    body["description"] = _markup(given.get("description", "")) or None
    body["validThrough"] = given.get("validThrough") or None
    body["responseLetterRequired"] = "responseLetterRequired" in given
    body["requirements"] = [
        {
            "skill": row["skill"],
            "kind": row["kind"] or "must",
            "level": int(row["level"]) if row["level"].isdecimal() else None,
        }
        for row in await rows(request, "skill", "kind", "level")
    ]
    ends = {end: "".join(given.get(f"salary_{end}", "").split()) for end in ("min", "max")}
    body["salary"] = None
    if any(ends.values()):
        amounts = {e: int(v) if v.isdecimal() else v or None for e, v in ends.items()}
        body["salary"] = amounts | {
            "currency": given.get("currency", "").upper(),
            "unit": given.get("unit") or "MONTH",
            "gross": "gross" in given,
        }
    return body


def _editor(
    who: Visitor, saved: dict[str, Any], form: Form, status: int = 200, *, price: Any = None
) -> Response:
    return render(
        who,
        "vacancy_edit.html",
        status,
        vacancy=saved,
        form=form,
        price=price,
        empty_rows=EMPTY_ROWS,
    )
