"""An employer's dashboard: the company form, vacancies, matching candidates, activity."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from hirewire.kit.clock import day_of
from hirewire.web.api.services import Answer
from hirewire.web.i18n.labels import N_
from hirewire.web.pages.applications import APPLICATIONS, names_of
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    file_of,
    go,
    is_part,
    render,
    typed,
)
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer", include_in_schema=False)
PROFILE, VACANCIES = "/api/vacancies/employer-profile", "/api/vacancies/vacancies"
OVERVIEW = f"{VACANCIES}/overview"
COUNTS = "/api/vacancies/applications/counts"
LISTS = {
    "matches": "/api/vacancies/recommendations",
    "activity": "/api/vacancies/activity",
    "unread": f"{APPLICATIONS}?role=employer&unread=true",
}
"""The parts of the dashboard that also have a page of their own."""
SHOWN = {"mine": 10, "matches": 6, "activity": 30, "unread": 5}
LOGO_TOO_LARGE = N_("The file is larger than 1 MB.")
NO_LOGO = N_("This file is not a supported image.")
WHOLE = 20
"""Rows of a part on the dashboard, and of its own page."""


@router.get("")
async def home(who: Member) -> Response:
    """The dashboard; the company form for a user who is not an employer yet."""
    profile = await who.call("vacancies", "GET", PROFILE)
    if not profile.is_good:
        return render(who, "hire.html", form=Form())
    mine, *lists = await asyncio.gather(
        _mine(who, SHOWN["mine"]), *(_listed(who, part, SHOWN[part]) for part in LISTS)
    )
    shown = {part: answer.data for part, answer in zip(LISTS, lists, strict=True)}
    names = await names_of(who, shown["unread"]["items"])
    return render(
        who,
        "employer.html",
        company=profile.data,
        **mine,
        **shown,
        groups=grouped(shown["activity"]["items"]),
        names=names,
        form=Form(),
        whole=False,
    )


@router.get("/company")
async def company(who: Member) -> Response:
    """The form of the user's company."""
    profile = await who.call("vacancies", "GET", PROFILE)
    if not profile.is_good:
        return go(who, "/employer")
    return render(who, "company_edit.html", company=profile.data, form=Form(profile.data))


@router.post("/company")
async def change_company(who: Member, request: Request) -> Response:
    """Save the company, with a logo if one was chosen. Signed-out users cannot upload."""
    saved = await who.call("vacancies", "GET", PROFILE)
    if not saved.is_good:
        return go(who, "/employer")
    given, logo = await file_of(request, "logo")
    body = {name: given.get(name) or None for name in ("phone", "description", "site")}
    body["companyName"] = given.get("companyName", "")
    if body["site"] and "://" not in body["site"]:
        body["site"] = f"https://{body['site']}"
    answer = await who.call("vacancies", "PATCH", PROFILE, body)
    form = Form(given)
    if answer.is_good and (logo is not None or "noLogo" in given):
        answer = await _set_logo(who, form, logo)
    if answer.is_good:
        return go(who, "/employer/company", done="saved")
    if not form.errors:
        form.refuse(answer)
    return render(who, "company_edit.html", answer.status, company=saved.data, form=form)


async def _set_logo(who: Visitor, form: Form, logo: tuple[bytes, str] | None) -> Answer:
    if logo is None:
        return await who.call("vacancies", "DELETE", f"{PROFILE}/logo")
    content, kind = logo
    answer = await who.call("vacancies", "PUT", f"{PROFILE}/logo", content, kind=kind)
    if answer.status == 413:
        form.errors["logo"] = who.words.text(LOGO_TOO_LARGE)
    elif not answer.is_good:
        form.errors["logo"] = who.words.text(NO_LOGO)
    return answer


@router.get("/mine")
async def mine(who: Member) -> Response:
    """The list of the user's vacancies, for a page that received an update."""
    if not is_part(who.request):
        return go(who, "/employer/mine/all")
    return render(who, "parts/my_vacancies.html", **await _mine(who, SHOWN["mine"]), whole=False)


@router.get("/mine/all")
async def all_mine(who: Member) -> Response:
    """All vacancies of the user's company, in pages."""
    found = await _mine(who, WHOLE, who.request.query_params.get("after"))
    template = "parts/my_vacancies.html" if is_part(who.request) else "list.html"
    return render(who, template, **found, part="my_vacancies", back="/employer", whole=True)


@router.get("/{part}")
async def part_of_home(part: str, who: Member) -> Response:
    """Matches, activity or unread applications, for a page that received an update."""
    if part not in LISTS:
        return render(who, "missing.html", 404)
    if not is_part(who.request):
        return go(who, f"/employer/{part}/all")
    answer = await _listed(who, part, SHOWN[part])
    if not answer.is_good:
        return render(who, "missing.html", 404)
    values = {part: answer.data, **await _completed(who, part, answer)}
    return render(who, f"parts/{_template(part)}.html", **values, whole=False)


@router.get("/{part}/all")
async def whole_list(part: str, who: Member) -> Response:
    """All matches, all activity or all unread applications, in pages."""
    if part not in LISTS:
        return render(who, "missing.html", 404)
    after = who.request.query_params.get("after")
    answer = await _listed(who, part, WHOLE, after)
    if not answer.is_good:  # not an employer, or an outdated position in the list
        return go(who, f"/employer/{part}/all" if after else "/employer")
    name = _template(part)
    template = f"parts/{name}.html" if is_part(who.request) else "list.html"
    values = {part: answer.data, **await _completed(who, part, answer)}
    return render(who, template, **values, part=name, back="/employer", whole=True)


@router.post("")
async def hire(who: Asking, request: Request) -> Response:
    """Become an employer in the present session."""
    given = await typed(request)
    body = {"companyName": given.get("companyName", ""), "phone": given.get("phone") or None}
    answer = await who.call("vacancies", "POST", PROFILE, body)
    if answer.is_good or answer.status == 409:
        return go(who, "/employer", done="hiring")
    form = Form(given)
    form.refuse(answer)
    return render(who, "hire.html", answer.status, form=form)


def _template(part: str) -> str:
    return {"matches": "resumes_matched", "activity": "feed", "unread": "received"}[part]


async def _completed(who: Visitor, part: str, listed: Answer) -> dict[str, Any]:
    """What a part shows besides its list."""
    items = listed.data["items"]
    if part == "unread":
        return {"names": await names_of(who, items)}
    return {"groups": grouped(items)} if part == "activity" else {}


async def _listed(who: Visitor, part: str, limit: int, after: str | None = None) -> Answer:
    asked = {"limit": str(limit)} | ({"after": after} if after else {})
    path = LISTS[part]
    answer = await who.call(
        "vacancies", "GET", f"{path}{'&' if '?' in path else '?'}{urlencode(asked)}"
    )
    if answer.is_good:
        await named(who, answer.data)
    return answer


async def _mine(who: Visitor, limit: int, after: str | None = None) -> dict[str, Any]:
    """The vacancies of the user's company with their figures."""
    asked = {"limit": str(limit)} | ({"after": after} if after else {})
    found = await who.call("vacancies", "GET", f"{OVERVIEW}?{urlencode(asked)}")
    return {"jobs": found.data if found.is_good else {"items": [], "next": None}}


def grouped(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Activity by resume and day: the latest event, and what was done how often."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for one in events:
        key = one["resumeId"], day_of(datetime.fromisoformat(one["occurredAt"])).isoformat()
        group = groups.setdefault(key, {"latest": one, "counts": Counter()})
        group["counts"][one["action"]] += 1
    return [group | {"actions": list(group["counts"].items())} for group in groups.values()]
