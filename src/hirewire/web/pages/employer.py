"""An employer's dashboard: the company form, vacancies, matching candidates, activity."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.kit.clock import day_of
from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.models.applications import Application
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.vacancies import Activity, JobFigures, MatchingResume
from hirewire.web.pages.applications import names_by_resume, names_of
from hirewire.web.pages.meetings import ahead_of
from hirewire.web.pages.naming import named_in
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    file_of,
    go,
    is_good,
    is_part,
    or_none,
    render,
    saw,
    typed,
)
from hirewire.web.problems import Problem
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer", include_in_schema=False)
LISTS = ("matches", "activity", "unread")
"""The parts of the dashboard that also have their own page."""
SHOWN = {"mine": 10, "matches": 6, "activity": 30, "unread": 5, "interviews": 5}
WHOLE = 20
"""The number of rows of a part on the dashboard, and on its own page."""
Page = Items[MatchingResume] | Items[Activity] | Items[Application]


@dataclass(frozen=True, slots=True)
class Group:
    """The actions of a candidate on one resume on one day."""

    latest: Activity
    actions: Counter[str]
    """The number of times of each action."""


def grouped(events: Sequence[object]) -> list[Group]:
    """Activity by resume and day, in the given order. Items of other types are left out."""
    groups: dict[tuple[str, date], Group] = {}
    for one in events:
        if isinstance(one, Activity):
            key = one.resumeId, day_of(datetime.fromisoformat(one.occurredAt))
            groups.setdefault(key, Group(one, Counter())).actions[one.action] += 1
    return list(groups.values())


@router.get("")
async def home(who: Member) -> Response:
    """The dashboard; the company form for a user who is not an employer yet."""
    profile = await who.vacancies.employer_profile()
    if not profile.is_good:
        return render(who, "hire.html", form=Form())
    mine, matches, activity, unread, ahead = await asyncio.gather(
        _jobs(who, SHOWN["mine"]),
        _matches(who, SHOWN["matches"]),
        _activity(who, SHOWN["activity"]),
        _unread(who, SHOWN["unread"]),
        ahead_of(who, "employer", SHOWN["interviews"]),
    )
    return render(
        who,
        "employer.html",
        company=profile.data,
        jobs=mine,
        matches=matches.data,
        activity=activity.data,
        unread=unread.data,
        names=await names_of(who, unread.data.items),
        ahead=ahead,
        role="employer",
        people=await names_by_resume(who, [one.one.resumeId for one in ahead]),
        groups=grouped(activity.data.items),
        form=Form(),
        whole=False,
    )


@router.get("/company")
async def company(who: Member) -> Response:
    """The form of the user's company."""
    return await company_page(who)


@router.post("/company")
async def change_company(who: Member, request: Request) -> Response:
    """Save the company, with a logo if one was chosen. Only signed-in users can upload files."""
    saved = await who.vacancies.employer_profile()
    if not saved.is_good:
        return go(who, "/employer")
    given, logo = await file_of(request, "logo")
    site = given.get("site") or None
    body: dict[str, JsonValue] = {
        "companyName": given.get("companyName", ""),
        "phone": given.get("phone") or None,
        "description": given.get("description") or None,
        "site": f"https://{site}" if site and "://" not in site else site,
    }
    answer = await who.vacancies.change_employer_profile(body)
    form = Form(given)
    if answer.is_good and (logo is not None or "noLogo" in given):
        answer = await _set_logo(who, form, logo)
    if answer.is_good:
        return go(who, "/employer/company", done="saved")
    if not form.errors:
        form.refuse(answer)
    return await company_page(who, form, status=answer.status)


async def company_page(
    who: Visitor,
    form: Form | None = None,
    *,
    code_form: Form | None = None,
    status: int = 200,
) -> Response:
    """The form of the user's company, with its verification and what operators decided."""
    profile, found = await asyncio.gather(
        who.vacancies.employer_profile(), or_none(who.moderation.decisions())
    )
    if not profile.is_good:
        return go(who, "/employer")
    return render(
        who,
        "company_edit.html",
        status,
        company=profile.data,
        form=form or Form(profile.data),
        code_form=code_form or Form(),
        decisions=found.data.items if is_good(found) else (),
    )


async def _set_logo(who: Visitor, form: Form, logo: tuple[bytes, str] | None) -> Answer[None]:
    if logo is None:
        return await who.vacancies.remove_logo()
    answer = await who.vacancies.set_logo(*logo)
    if answer.status == 413:
        form.errors["logo"] = Problem("logo_too_large")
    elif not answer.is_good:
        form.errors["logo"] = Problem("not_an_image")
    return answer


@router.get("/mine")
async def mine(who: Member) -> Response:
    """The list of the company's jobs, for a page that received an update."""
    if not is_part(who.request):
        return go(who, "/employer/mine/all")
    jobs = await _jobs(who, SHOWN["mine"])
    return render(who, "parts/my_vacancies.html", jobs=jobs, whole=False)


@router.get("/mine/all")
async def all_mine(who: Member) -> Response:
    """All vacancies of the user's company, in pages."""
    jobs = await _jobs(who, WHOLE, who.request.query_params.get("after"))
    template = "parts/my_vacancies.html" if is_part(who.request) else "list.html"
    return render(who, template, jobs=jobs, part="my_vacancies", back="/employer", whole=True)


@router.get("/{part}")
async def part_of_home(part: str, who: Member) -> Response:
    """Matches, activity or unread applications, for a page that received an update."""
    if part not in LISTS:
        raise Missing
    if not is_part(who.request):
        return go(who, f"/employer/{part}/all")
    page = await _listed(who, part, SHOWN[part])
    shown = {part: page.data, **await _completed(who, page.data)}
    return render(who, f"parts/{_template(part)}.html", whole=False, **shown)


@router.get("/{part}/all")
async def whole_list(part: str, who: Member) -> Response:
    """All matches, all activity or all unread applications, in pages."""
    if part not in LISTS:
        raise Missing
    after = who.request.query_params.get("after") or None
    answer = await _listed(who, part, WHOLE, after)
    if not answer.is_good:  # not an employer, or an outdated position in the list
        return go(who, f"/employer/{part}/all" if after else "/employer")
    if part == "matches":
        await saw(who, kind="recommended_candidate")
    name = _template(part)
    template = f"parts/{name}.html" if is_part(who.request) else "list.html"
    shown = {part: answer.data, **await _completed(who, answer.data)}
    return render(who, template, part=name, back="/employer", whole=True, **shown)


@router.post("")
async def hire(who: Asking, request: Request) -> Response:
    """Become an employer in the current session."""
    given = await typed(request)
    body = {"companyName": given.get("companyName", ""), "phone": given.get("phone") or None}
    answer = await who.vacancies.create_employer_profile(body)
    if answer.is_good or answer.status == 409:
        return go(who, "/employer", done="hiring")
    form = Form(given)
    form.refuse(answer)
    return render(who, "hire.html", answer.status, form=form)


def _template(part: str) -> str:
    return {"matches": "resumes_matched", "activity": "feed", "unread": "received"}[part]


async def _completed(who: Visitor, page: Page) -> Mapping[str, Any]:
    """The data that a part shows besides its list: the applicants' names, or activity by day."""
    applied = [one for one in page.items if isinstance(one, Application)]
    return {"names": await names_of(who, applied), "groups": grouped(page.items)}


async def _listed(who: Visitor, part: str, limit: int, after: str | None = None) -> Answer[Page]:
    """A page of one of `LISTS`."""
    if part == "matches":
        return await _matches(who, limit, after)
    if part == "activity":
        return await _activity(who, limit, after)
    return await _unread(who, limit, after)


async def _matches(
    who: Visitor, limit: int, after: str | None = None
) -> Answer[Items[MatchingResume]]:
    return await named_in(who, await who.vacancies.matches(limit, after))


async def _activity(who: Visitor, limit: int, after: str | None = None) -> Answer[Items[Activity]]:
    return await named_in(who, await who.vacancies.activity(limit, after))


async def _unread(who: Visitor, limit: int, after: str | None = None) -> Answer[Items[Application]]:
    return await named_in(who, await who.applications.received(limit, after, only_unread=True))


async def _jobs(who: Visitor, limit: int, after: str | None = None) -> Items[JobFigures]:
    """The jobs of the visitor's company; empty for an outdated position in the list."""
    answer = await who.vacancies.job_figures(limit, after or None)
    return answer.found or Items[JobFigures](items=())
