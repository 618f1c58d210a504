"""Public pages: the start page, the list, a vacancy, a company, shared resumes."""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Missing, SignInFirst
from hirewire.web.api.models.vacancies import Vacancy, VacancyResults
from hirewire.web.api.services import Services
from hirewire.web.pages import filters, jsonld, openapi
from hirewire.web.pages.applications import Own, own
from hirewire.web.pages.counts import BoardCounts
from hirewire.web.pages.fit import Fit, fit_of
from hirewire.web.pages.naming import named, names_of_skills
from hirewire.web.pages.nothing_found import instead
from hirewire.web.pages.public import search
from hirewire.web.pages.public import vacancy as read_vacancy
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    away,
    count_notices,
    go,
    is_good,
    is_part,
    or_none,
    render,
    saw,
)
from hirewire.web.pages.searching import CURRENCIES, SEARCHED, WIDENED, Asked, counted, widened_by
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
UNSURE = ("salaryFrom", "currency", "days", "sort", "after")
"""Search parameters that may be mistyped or outdated: invalid ones are left out."""
_APPLICATION = re.compile("/applications/([0-9a-f-]{36})")
MOST_OTHERS = 3
NOT_SHOWN = 410
"""The answer about a job or a company that was taken down."""
AHEAD = json.dumps(
    {
        "prefetch": [
            {
                "where": {"href_matches": ["/vacancies", "/vacancies/*", "/companies/*"]},
                "eagerness": "moderate",
            }
        ]
    }
)


@router.get("/")
async def start(who: Asking) -> Response:
    """The start page: a search, counts, and the newest vacancies."""
    board: BoardCounts = who.request.app.state.board
    newest, counts = await asyncio.gather(
        or_none(search(who, {"limit": "8"})), board.get(who.public)
    )
    labels = {one.label for one in counts.facets.get("skill") or ()}
    return render(
        who,
        "start.html",
        found=await named(who, newest.data) if is_good(newest) else None,
        facets=counts.facets,
        skills=await names_of_skills(who, labels),
        overview=counts.overview,
    )


@router.get("/status")
async def status(who: Asking) -> Response:
    """The state of the services, and the API."""
    origin = str(who.request.base_url).rstrip("/")
    return render(who, "status.html", states=await who.services.states(), origin=origin)


@router.get("/unread")
async def unread(who: Asking) -> Response:
    """The unread counts of the navigation, for an open page that received an update."""
    if not is_part(who.request):
        return go(who, "/")
    page = urlsplit(who.request.headers.get("hx-current-url", "")).path
    application = _APPLICATION.fullmatch(page)
    # The page of an application shows by now what has happened to it.
    notices = saw(who, applicationId=application[1]) if application else count_notices(who)
    await asyncio.gather(who.count_unread(), notices)
    return render(who, "parts/unread.html")


@router.get("/vacancies")
async def vacancies(who: Asking) -> Response:
    """The list of open vacancies, with a search and filters."""
    asked, form = Asked(who.request, (*SEARCHED, "salaryFrom"), who.words.lang), Form()
    try:
        await asked.assume_currency(partial(search, who))
        values = asked.values["asked"]
        answer = await search(who, [*asked.query, WIDENED])
        if answer.status == 422:
            form.refuse(answer)
            asked.leave_out(*UNSURE)
            answer = await search(who, [*asked.query, WIDENED])
    except Unavailable:
        return away(who)
    if not answer.is_good:
        raise Missing(answer.status)
    found = answer.data
    asked.recognise(found)
    groups = filters.groups(asked, found, await _labels(who, asked, found))
    chips = filters.chips(asked, groups)
    is_empty = not found.items and not form.problem
    found_in = [bucket.value.upper() for bucket in counted(found, "currency")]
    return render(
        who,
        "vacancies.html",
        422 if form.problem else 200,
        **asked.values | {"asked": values},
        form=form,
        found=await named(who, found),
        groups=groups,
        chips=chips,
        offers=await instead(who, asked.again, chips) if is_empty else None,
        following=asked.following(found),
        similar=widened_by(asked, found),
        recent={bucket.value: bucket.count for bucket in counted(found, "days")},
        name=asked.name(found),
        currencies=list(dict.fromkeys((*found_in, *CURRENCIES[who.words.lang]))),
    )


async def _labels(who: Visitor, asked: Asked, found: VacancyResults) -> dict[str, str]:
    """Labels of filters that the results lack: names of skills, and uncounted companies."""
    labels = await filters.labels_of_skills(who, found)
    if unnamed := filters.unnamed_companies(asked, found):
        answer = await or_none(who.public.companies(unnamed))
        labels |= {one.id: one.name for one in (answer.data.items if is_good(answer) else ())}
    return labels


@router.get("/vacancies/{id}")
async def vacancy(id: UUID, who: Asking) -> Response:
    """One vacancy, with its `JobPosting` for search engines while it is open."""
    try:
        answer = await read_vacancy(who, id)
    except Unavailable:
        return away(who)
    if answer.status == NOT_SHOWN:
        return render(who, "gone.html", NOT_SHOWN, title="", why="not_shown")
    found = answer.data
    if found.status == "draft":
        raise Missing
    if found.status == "archived":
        return render(who, "gone.html", 410, title=found.title, why="closed")
    found = await named(who, found)
    markup, app = None, who.request.app
    lacking = jsonld.missing(found, app.state.country)
    if found.is_open and not lacking:
        posting = jsonld.job_posting(found, str(app.state.public_url), app.state.country)
        markup = Markup(jsonld.script(posting))  # noqa: S704
    # The service sanitised it (nh3) before storing it.
    text = Markup(found.description or "")  # noqa: S704
    (mine, fit), similar, about, others, _ = await asyncio.gather(
        _mine(who, found),
        _similar(who, found),
        or_none(who.public.company(found.companyId)),
        _others(who, found),
        saw(who, kind="recommended_vacancy", vacancyId=found.id),
    )
    return render(
        who,
        "vacancy.html",
        vacancy=found,
        text=text,
        markup=markup,
        similar=similar,
        company=about.found if about else None,
        others=others,
        site=app.state.public_url,
        **mine,
        fit=fit,
        form=Form(),
    )


async def _mine(who: Visitor, vacancy: Vacancy) -> tuple[Own, Fit | None]:
    """The visitor's resumes and applications, and how well the resumes match the vacancy."""
    mine = await own(who, UUID(vacancy.id))
    try:
        return mine, await fit_of(who, vacancy, mine)
    except SignInFirst:  # the session has ended, but the page is public
        return mine, None


@dataclass(frozen=True, slots=True)
class Others:
    """A company's other open vacancies: their number, and some of them."""

    count: int = 0
    some: Sequence[Vacancy] = ()


async def _others(who: Visitor, vacancy: Vacancy) -> Others:
    query = {"company": vacancy.companyId, "limit": str(MOST_OTHERS + 1)}
    answer = await or_none(who.public.search(query))
    if not is_good(answer):
        return Others()
    some = [one for one in answer.data.items if one.id != vacancy.id]
    is_counted = vacancy.is_open
    count = (answer.data.total or len(answer.data.items)) - is_counted
    return Others(max(count, len(some)), some[:MOST_OTHERS])


async def _similar(who: Visitor, vacancy: Vacancy) -> Sequence[Vacancy]:
    """Open vacancies that require the same first skills."""
    asked = [("skill", one.skill) for one in vacancy.requirements[:2]]
    if not asked:
        return []
    answer = await or_none(who.public.search([*asked, ("limit", "5")]))
    found = answer.data.items if is_good(answer) else ()
    return [one for one in found if one.id != vacancy.id][:4]


@router.get("/companies/{id}")
async def company(id: UUID, who: Asking) -> Response:
    """A company and its open vacancies."""
    after = who.request.query_params.get("after") or None
    query = {"company": str(id), "limit": "20", "after": after}
    try:
        about, found = await asyncio.gather(who.public.company(id), search(who, query))
    except Unavailable:
        return away(who)
    if about.status == NOT_SHOWN:
        return render(who, "gone.html", NOT_SHOWN, title="", why="company_not_shown")
    company = about.data
    return render(who, "company.html", found=await named(who, found.data), company=company)


@router.get("/shared/{key}")
async def shared(key: str, who: Asking) -> Response:
    """A shared resume."""
    try:
        found = await who.public_profiles.shared(key)
    except Unavailable:
        return away(who)
    response = render(who, "shared.html", resume=await named(who, found.data))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@router.get("/ahead.json")
async def ahead() -> Response:
    """Speculation rules (WICG): the pages that a browser may prefetch.

    Prefetching them changes nothing.
    """
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(AHEAD, headers=headers, media_type="application/speculationrules+json")


@router.get("/sitemap.xml")
async def sitemap_index(request: Request) -> Response:
    """The index of sitemaps."""
    return await _feed(request, "sitemap.xml")


@router.get("/sitemaps/{n}.xml")
async def sitemap(n: int, request: Request) -> Response:
    """One of the sitemaps."""
    return await _feed(request, f"sitemaps/{n}.xml")


@router.get("/robots.txt")
async def robots(request: Request) -> Response:
    """The rules for robots, with the sitemap's address."""
    site = request.app.state.public_url
    text = f"User-agent: *\nDisallow: /api/\nDisallow: /shared/\nSitemap: {site}/sitemap.xml\n"
    return Response(text, media_type="text/plain; charset=utf-8")


async def _feed(request: Request, path: str) -> Response:
    services: Services = request.app.state.services
    status, body, kind = await services.feed(path)
    return Response(body, status, media_type=kind)


@router.get("/docs")
@router.get("/api/docs")
@router.get("/api")
async def apis() -> RedirectResponse:
    """The page of the API: all services with their calls."""
    return RedirectResponse("/status#api", 303)


@router.get("/docs/{name}")
async def api(name: str, who: Asking) -> HTMLResponse:
    """A service's calls, from its own OpenAPI document."""
    document = await who.services.openapi(name)
    if document is None:
        raise Missing
    return render(who, "api.html", name=name, calls=openapi.calls(document))
