"""Employers' pages about candidates: resumes without names, matches, invitations."""

import asyncio
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.applications import APPLICATIONS
from hirewire.web.pages.employer import VACANCIES
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Member,
    go,
    is_part,
    local_path,
    render,
    said,
    typed,
)
from hirewire.web.pages.searching import SEARCHED, Asked
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer", include_in_schema=False)
RESUMES, MATCHES = "/api/vacancies/resumes", "/api/vacancies/recommendations"


@router.get("/resumes")
async def resumes(who: Member) -> Response:
    """Search results of resumes, with filters."""
    asked = Asked(who.request, (*SEARCHED, "salaryTo"))
    if asked.lacks_currency:
        usual = await who.call("vacancies", "GET", f"{RESUMES}?{asked.unpaid_query}")
        usually = "RUB" if who.words.lang == "ru" else "EUR"
        asked.assume(usual.data if usual.is_good else {}, usually)
    found, mine = await asyncio.gather(
        who.call("vacancies", "GET", f"{RESUMES}?{asked.query}"), _open_vacancies(who)
    )
    if found.status == 403:
        return go(who, "/employer")
    if not found.is_good:
        return render(who, "missing.html", found.status)
    await named(who, found.data["items"])
    asked.recognise(found.data, who.words.lang)
    return render(
        who,
        "resumes.html",
        found=found.data,
        vacancies=mine,
        facets=asked.facets(found.data),
        following=asked.following(found.data),
        **asked.values,
    )


@router.get("/resumes/{id}")
async def card(id: UUID, who: Member) -> Response:
    """A resume without its name, the company's vacancies that it matches, and the reasons."""
    filters = urlencode({"role": "employer", "resume": str(id), "limit": 50})
    found, fits, applied, mine = await asyncio.gather(
        who.call("vacancies", "GET", f"{RESUMES}/{id}"),
        who.call("vacancies", "GET", f"{MATCHES}?resume={id}&limit=50"),
        who.call("vacancies", "GET", f"{APPLICATIONS}?{filters}"),
        _open_vacancies(who),
    )
    if found.status == 403:
        return go(who, "/employer")
    if not found.is_good:
        return render(who, "missing.html", 404)
    await named(who, found.data, fits.data)
    taken = {one["vacancyId"] for one in applied.data["items"] if one["open"]}
    matches = sorted(fits.data["items"], key=lambda one: -one["score"])
    return render(
        who,
        "card.html",
        resume=found.data,
        matches=matches,
        applications=applied.data["items"],
        vacancies=[one for one in mine if one["id"] not in taken],
        best=next((one["vacancyId"] for one in matches), None),
    )


@router.post("/resumes")
async def invite(who: Asking, request: Request) -> Response:
    """Invite a candidate from the search."""
    given = await typed(request)
    vacancy = quote(given.get("vacancy", ""), safe="")
    return await _invite(who, vacancy, given, local_path(given.get("back"), "/employer/resumes"))


@router.get("/vacancies/{id}/candidates")
async def candidates(id: UUID, who: Member) -> Response:
    """Matching resumes with the reasons."""
    asked = {"limit": "20"}
    if after := who.request.query_params.get("after"):
        asked["after"] = after
    found, listed = await asyncio.gather(
        who.call("vacancies", "GET", f"{VACANCIES}/{id}"),
        who.call("vacancies", "GET", f"{VACANCIES}/{id}/recommendations?{urlencode(asked)}"),
    )
    if not found.is_good or not listed.is_good:
        return render(who, "missing.html", 404)
    await named(who, listed.data)
    template = "parts/candidates.html" if is_part(who.request) else "candidates.html"
    return render(
        who,
        template,
        vacancy=found.data,
        items=listed.data["items"],
        following=listed.data["next"],
    )


@router.post("/vacancies/{id}/candidates")
async def decide(id: UUID, who: Asking, request: Request) -> Response:
    """Invite, shortlist or dismiss a candidate."""
    given = await typed(request)
    back = local_path(given.get("back"), f"/employer/vacancies/{id}/candidates")
    if given.get("action") == "invite":
        return await _invite(who, str(id), given, back)
    path = f"{MATCHES}/{quote(given.get('recommendation', ''), safe='')}/state"
    answer = await who.call("vacancies", "POST", path, {"state": given.get("action", "")})
    return _back(who, back, said(answer))


async def _invite(who: Visitor, vacancy: str, given: dict[str, str], back: str) -> Response:
    body = {"resumeId": given.get("resumeId", ""), "message": given.get("message") or None}
    answer = await who.call("vacancies", "POST", f"{VACANCIES}/{vacancy}/invitations", body)
    if answer.is_good:
        return go(who, f"/applications/{answer.data['id']}", done="sent")
    return _back(who, back, said(answer))


def _back(who: Visitor, path: str, done: str) -> Response:
    return go(who, f"{path}{'&' if '?' in path else '?'}done={done}")


async def _open_vacancies(who: Visitor) -> list[dict[str, Any]]:
    """The company's vacancies to which candidates can be invited."""
    found = await who.call("vacancies", "GET", f"{VACANCIES}?mine=true&limit=100&brief=true")
    items = found.data["items"] if found.is_good else []
    return [one for one in items if one["status"] == "published"]
