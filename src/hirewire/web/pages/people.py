"""Employers' pages about candidates: resumes without names, matches, invitations."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.api.answers import Missing
from hirewire.web.api.models.vacancies import OwnVacancy
from hirewire.web.pages import filters
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Member,
    back_to,
    go,
    is_part,
    local_path,
    render,
    said,
    saw,
    typed,
)
from hirewire.web.pages.searching import CURRENCIES, SEARCHED, WIDENED, Asked, widened_by
from hirewire.web.pages.undo import undo
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer", include_in_schema=False)
DECISIONS = ("seen", "shortlisted", "dismissed")
"""The decisions of an employer about a match; each has a confirmation."""


@router.get("/resumes")
async def resumes(who: Member) -> Response:
    """Search results of resumes, with filters."""
    asked = Asked(who.request, (*SEARCHED, "salaryTo"), who.words.lang)
    await asked.assume_currency(who.vacancies.search_resumes)
    answer, mine = await asyncio.gather(
        who.vacancies.search_resumes([*asked.query, WIDENED]), _open_vacancies(who)
    )
    if answer.status == 403:
        return go(who, "/employer")
    if not answer.is_good:
        raise Missing(answer.status)
    found = await named(who, answer.data)
    asked.recognise(found)
    groups = filters.groups(asked, found, await filters.labels_of_skills(who, found))
    return render(
        who,
        "resumes.html",
        found=found,
        vacancies=mine,
        groups=groups,
        chips=filters.chips(asked, groups),
        currencies=CURRENCIES[who.words.lang],
        following=asked.following(found),
        similar=widened_by(asked, found),
        **asked.values,
    )


@router.get("/resumes/{id}")
async def card(id: UUID, who: Member) -> Response:
    """A resume without its name, the company's vacancies that it matches, and the reasons."""
    found, fits, applied, mine, _ = await asyncio.gather(
        who.vacancies.card(id),
        who.vacancies.matches(50, resume=id),
        who.applications.received(50, resume=id),
        _open_vacancies(who),
        saw(who, kind="recommended_candidate", resumeId=str(id)),
    )
    if found.status == 403:
        return go(who, "/employer")
    resume, fitting = await named(who, found.data), await named(who, fits.data.items)
    taken = {one.vacancyId for one in applied.data.items if one.open}
    matches = sorted(fitting, key=lambda one: -one.score)
    return render(
        who,
        "card.html",
        resume=resume,
        matches=matches,
        applications=applied.data.items,
        vacancies=[one for one in mine if one.id not in taken],
        best=next((one.vacancyId for one in matches), None),
    )


@router.post("/resumes")
async def invite(who: Asking, request: Request) -> Response:
    """Invite a candidate from the search."""
    given = await typed(request)
    vacancy = given.get("vacancy", "")
    return await _invite(who, vacancy, given, local_path(given.get("back"), "/employer/resumes"))


@router.get("/vacancies/{id}/candidates")
async def candidates(id: UUID, who: Member) -> Response:
    """Matching resumes with the reasons."""
    after = who.request.query_params.get("after") or None
    found, listed, _ = await asyncio.gather(
        who.vacancies.vacancy(id),
        who.vacancies.candidates(id, 20, after),
        saw(who, kind="recommended_candidate", vacancyId=str(id)),
    )
    vacancy, page = found.data, await named(who, listed.data)
    template = "parts/candidates.html" if is_part(who.request) else "candidates.html"
    return render(
        who,
        template,
        vacancy=vacancy,
        items=page.items,
        following=page.next,
    )


@router.post("/vacancies/{id}/candidates")
async def decide(id: UUID, who: Asking, request: Request) -> Response:
    """Invite, shortlist or dismiss a candidate."""
    given = await typed(request)
    back = local_path(given.get("back"), f"/employer/vacancies/{id}/candidates")
    if given.get("action") == "invite":
        return await _invite(who, str(id), given, back)
    match, state = given.get("recommendation", ""), given.get("action", "")
    answer = await who.vacancies.decide(match, state)
    if not answer.is_good or state not in DECISIONS:
        return back_to(who, back, said(answer))
    # A match without a decision cannot return to that state: undoing marks it as seen.
    before = "shortlisted" if given.get("was") == "shortlisted" else "seen"
    return back_to(who, back, state, undo("match", match, before) if before != state else None)


async def _invite(who: Visitor, vacancy: str, given: dict[str, str], back: str) -> Response:
    resume, message = given.get("resumeId", ""), given.get("message") or None
    answer = await who.applications.invite(vacancy, resume, message)
    if answer.is_good:
        return go(who, f"/applications/{answer.data.id}", done="sent")
    return back_to(who, back, said(answer))


async def _open_vacancies(who: Visitor) -> list[OwnVacancy]:
    """The open vacancies of the company, to which candidates can be invited."""
    found = await who.vacancies.own_vacancies(100)
    items = found.data.items if found.is_good else ()
    return [one for one in items if one.status == "published"]
