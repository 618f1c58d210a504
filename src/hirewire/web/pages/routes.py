"""Public pages: the start page, the list, a vacancy, a company, shared resumes."""

import asyncio
import json
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer, Missing, SignInFirst
from hirewire.web.api.client import Query
from hirewire.web.api.models.vacancies import Vacancy, VacancyResults
from hirewire.web.api.services import Services
from hirewire.web.pages import jsonld, openapi
from hirewire.web.pages.applications import own
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import Asking, Form, go, is_good, is_part, or_none, render
from hirewire.web.pages.searching import SEARCHED, Asked
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
UNSURE = ("salaryFrom", "currency", "days", "sort", "after")
"""Search parameters that may be typed or outdated: invalid ones are left out."""
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
CURRENCIES = {"ru": ("RUB", "KZT", "BYN", "EUR", "USD"), "en": ("EUR", "USD", "GBP", "RUB")}


@router.get("/")
async def start(who: Asking) -> Response:
    """The start page: a search and the newest vacancies."""
    newest = await or_none(who.public.search({"limit": "8"}))
    found = await named(who, newest.data) if is_good(newest) else None
    return render(who, "start.html", found=found)


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
    await who.count_unread()
    return render(who, "parts/unread.html")


@router.get("/vacancies")
async def vacancies(who: Asking) -> Response:
    """The list of open vacancies, with a search and filters."""
    asked, form = Asked(who.request, (*SEARCHED, "salaryFrom"), who.words.lang), Form()
    try:
        if asked.lacks_currency:
            usual = await _search(who, asked.unpaid_query)
            asked.assume(usual.found, CURRENCIES[who.words.lang][0])
        values = asked.values["asked"]
        answer = await _search(who, asked.query)
        if answer.status == 422:
            form.refuse(answer)
            asked.leave_out(*UNSURE)
            answer = await _search(who, asked.query)
    except Unavailable:
        return _away(who)
    if not answer.is_good:
        raise Missing(answer.status)
    found = await named(who, answer.data)
    asked.recognise(found)
    counted = found.facets or {}
    found_in = [bucket.value.upper() for bucket in counted.get("currency") or ()]
    return render(
        who,
        "vacancies.html",
        422 if form.problem else 200,
        **asked.values | {"asked": values},
        form=form,
        found=found,
        facets=asked.facets(found),
        following=asked.following(found),
        recent={bucket.value: bucket.count for bucket in counted.get("days") or ()},
        name=asked.name(found),
        currencies=found_in or CURRENCIES[who.words.lang],
    )


async def _search(who: Visitor, query: Query) -> Answer[VacancyResults]:
    """Jobs, with what the visitor may do with them. Raises `Unavailable`."""
    try:
        return await who.vacancies.search(query)
    except SignInFirst:  # the session is over; the page is public
        return await who.public.search(query)


async def _vacancy(who: Visitor, id: UUID) -> Answer[Vacancy]:
    try:
        return await who.vacancies.vacancy(id)
    except SignInFirst:
        return await who.public.vacancy(id)


@router.get("/vacancies/{id}")
async def vacancy(id: UUID, who: Asking) -> Response:
    """One vacancy, with its `JobPosting` for search engines while it is open."""
    try:
        answer = await _vacancy(who, id)
    except Unavailable:
        return _away(who)
    found = answer.data
    if found.status == "draft":
        raise Missing
    if found.status == "archived":
        return render(who, "gone.html", 410)
    found = await named(who, found)
    markup, app = None, who.request.app
    lacking = jsonld.missing(found, app.state.country)
    if found.status == "published" and not lacking:
        posting = jsonld.job_posting(found, str(app.state.public_url), app.state.country)
        markup = Markup(jsonld.script(posting))  # noqa: S704
    # The service sanitised it (nh3) before storing it.
    text = Markup(found.description or "")  # noqa: S704
    mine, similar = await asyncio.gather(own(who, id), _similar(who, found))
    return render(
        who,
        "vacancy.html",
        vacancy=found,
        text=text,
        markup=markup,
        similar=similar,
        site=app.state.public_url,
        **mine,
        form=Form(),
    )


async def _similar(who: Visitor, vacancy: Vacancy) -> list[Vacancy]:
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
        about, found = await asyncio.gather(who.public.company(id), who.public.search(query))
    except Unavailable:
        return _away(who)
    company = about.data
    return render(who, "company.html", found=await named(who, found.data), company=company)


@router.get("/shared/{key}")
async def shared(key: str, who: Asking) -> Response:
    """A shared resume."""
    try:
        found = await who.public_profiles.shared(key)
    except Unavailable:
        return _away(who)
    response = render(who, "shared.html", resume=await named(who, found.data))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@router.get("/ahead.json")
async def ahead() -> Response:
    """Speculation rules (WICG): the pages that a browser may prefetch.

    Reading one of them changes nothing.
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


def _away(who: Visitor) -> Response:
    page = render(who, "away.html", 503, typed=[])
    page.headers["Retry-After"] = "5"
    return page


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
