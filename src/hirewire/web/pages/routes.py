"""Public pages: the start page, the list, a vacancy, a company, shared resumes."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from hirewire.kit.errors import Unavailable
from hirewire.web.api.services import Services
from hirewire.web.pages import filters, jsonld
from hirewire.web.pages.applications import own
from hirewire.web.pages.naming import named
from hirewire.web.pages.nothing_found import instead
from hirewire.web.pages.public import public
from hirewire.web.pages.rendering import Asking, Form, go, is_part, render
from hirewire.web.pages.searching import SEARCHED, Asked
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
COMPANY = "/api/vacancies/companies"
VACANCIES = "/api/vacancies/vacancies"
OVERVIEW = "/api/vacancies/overview"
UNSURE = ("salaryFrom", "currency", "days", "sort", "after")
"""Search parameters that may be typed or outdated: invalid ones are left out."""
MOST_OTHERS = 3
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
    """The start page: a search, what there is, and the newest vacancies."""
    found, overview = await asyncio.gather(_newest(who), _overview(who))
    await named(who, found)
    return render(who, "start.html", found=found, overview=overview)


async def _newest(who: Visitor) -> dict[str, Any] | None:
    """The newest vacancies, with facets once the index is made; None if the service is away."""
    for query in ("limit=8&brief=true&facets=true", "limit=8&brief=true"):
        try:
            answer = await public(who, f"{VACANCIES}?{query}")
        except Unavailable:
            continue
        if answer.is_good:
            newest: dict[str, Any] = answer.data
            for one in (newest["facets"] or {}).get("area") or ():
                one["label"] = (who.words.lang == "ru" and one["labelRu"]) or one["label"]
            return newest
    return None


async def _overview(who: Visitor) -> dict[str, int] | None:
    try:
        answer = await who.services.call("vacancies", "GET", OVERVIEW, client=who.address)
    except Unavailable:
        return None
    return answer.data if answer.is_good else None


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
    asked, form = Asked(who.request, (*SEARCHED, "salaryFrom")), Form()
    try:
        if asked.lacks_currency:
            usual = await public(who, f"{VACANCIES}?{asked.unpaid_query}&brief=true")
            asked.assume(usual.data if usual.is_good else {}, CURRENCIES[who.words.lang][0])
        values = asked.values["asked"]
        answer = await public(who, f"{VACANCIES}?{asked.query}&brief=true")
        if answer.status == 422:
            form.refuse(answer)
            asked.leave_out(*UNSURE)
            answer = await public(who, f"{VACANCIES}?{asked.query}&brief=true")
    except Unavailable:
        return _away(who)
    if not answer.is_good:
        return render(who, "missing.html", answer.status)
    found = answer.data
    asked.recognise(found, who.words.lang)
    name = asked.name(found)
    await named(who, found)
    groups = filters.groups(asked, found, await _names(who, asked, found))
    chips = filters.chips(asked, groups)
    offers = None
    if not found["items"] and not form.problem:
        offers = await instead(who, urlencode(asked.again), chips)
    counted = found["facets"] or {}
    found_in = [bucket["value"].upper() for bucket in counted.get("currency") or ()]
    return render(
        who,
        "vacancies.html",
        422 if form.problem else 200,
        **asked.values | {"asked": values},
        form=form,
        found=found,
        groups=groups,
        chips=chips,
        offers=offers,
        following=asked.following(found),
        recent={bucket["value"]: bucket["count"] for bucket in counted.get("days") or ()},
        name=name,
        currencies=list(dict.fromkeys((*found_in, *CURRENCIES[who.words.lang]))),
    )


async def _names(who: Visitor, asked: Asked, found: dict[str, Any]) -> dict[str, str]:
    """The names of chosen companies that are not counted."""
    unnamed = filters.unnamed_companies(asked, found)
    if not unnamed:
        return {}
    answer = await public(who, f"{COMPANY}?{urlencode([('id', id) for id in unnamed])}")
    listed = answer.data["items"] if answer.is_good else ()
    return {one["id"]: one["name"] for one in listed}


@router.get("/vacancies/{id}")
async def vacancy(id: UUID, who: Asking) -> Response:
    """One vacancy, with its `JobPosting` for search engines while it is open."""
    try:
        answer = await public(who, f"{VACANCIES}/{id}")
    except Unavailable:
        return _away(who)
    found = answer.data
    if not answer.is_good or found["status"] == "draft":
        return render(who, "missing.html", 404)
    if found["status"] == "archived":
        return render(who, "gone.html", 410, title=found["title"])
    await named(who, found)
    markup, app = None, who.request.app
    lacking = jsonld.missing(found, app.state.country)
    if found["status"] == "published" and not lacking:
        posting = jsonld.job_posting(found, str(app.state.public_url), app.state.country)
        markup = Markup(jsonld.script(posting))  # noqa: S704
    # The service sanitised it (nh3) before storing it.
    text = Markup(found["description"] or "")  # noqa: S704
    mine, similar, about, others = await asyncio.gather(
        own(who, id), _similar(who, found), _company(who, found), _others(who, found)
    )
    await named(who, similar)
    return render(
        who,
        "vacancy.html",
        vacancy=found,
        text=text,
        markup=markup,
        similar=similar,
        company=about,
        others=others,
        site=app.state.public_url,
        **mine,
        form=Form(),
    )


async def _company(who: Visitor, vacancy: dict[str, Any]) -> dict[str, Any] | None:
    """What the vacancy's company says of itself; None if that is unavailable."""
    path = f"{COMPANY}/{vacancy['companyId']}"
    try:
        answer = await who.services.call("vacancies", "GET", path, client=who.address)
    except Unavailable:
        return None
    return answer.data if answer.is_good else None


async def _others(who: Visitor, vacancy: dict[str, Any]) -> dict[str, Any]:
    """The company's other open vacancies: how many, and some of them."""
    query = urlencode({"company": vacancy["companyId"], "limit": MOST_OTHERS + 1, "brief": "true"})
    try:
        answer = await public(who, f"{VACANCIES}?{query}")
    except Unavailable:
        return {"count": 0, "items": []}
    if not answer.is_good:
        return {"count": 0, "items": []}
    listed: list[dict[str, Any]] = answer.data["items"]
    items = [one for one in listed if one["id"] != vacancy["id"]]
    is_counted = vacancy["status"] == "published"
    count = max((answer.data["total"] or len(listed)) - is_counted, len(items))
    return {"count": count, "items": items[:MOST_OTHERS]}


async def _similar(who: Visitor, vacancy: dict[str, Any]) -> list[dict[str, Any]]:
    """Open vacancies that require the same first skills."""
    asked = [one["skill"] for one in vacancy["requirements"][:2]]
    if not asked:
        return []
    query = urlencode([("skill", skill) for skill in asked] + [("limit", "5"), ("brief", "true")])
    try:
        answer = await public(who, f"{VACANCIES}?{query}")
    except Unavailable:
        return []
    items = answer.data["items"] if answer.is_good else ()
    return [one for one in items if one["id"] != vacancy["id"]][:4]


@router.get("/companies/{id}")
async def company(id: UUID, who: Asking) -> Response:
    """A company and its open vacancies."""
    query = {"company": str(id), "limit": "20", "brief": "true"}
    if after := who.request.query_params.get("after"):
        query["after"] = after
    try:
        about, found = await asyncio.gather(
            who.services.call("vacancies", "GET", f"{COMPANY}/{id}"),
            public(who, f"{VACANCIES}?{urlencode(query)}"),
        )
    except Unavailable:
        return _away(who)
    if not about.is_good or not found.is_good:
        return render(who, "missing.html", 404)
    await named(who, found.data)
    return render(who, "company.html", found=found.data, company=about.data)


@router.get("/shared/{key}")
async def shared(key: str, who: Asking) -> Response:
    """A shared resume."""
    try:
        found = await who.services.call("profiles", "GET", f"/api/profiles/shared/{key}")
    except Unavailable:
        return _away(who)
    if not found.is_good:
        return render(who, "missing.html", 404)
    await named(who, found.data)
    response = render(who, "shared.html", resume=found.data)
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
        return render(who, "missing.html", 404)
    return render(who, "api.html", name=name, calls=_calls(document))


def _calls(document: dict[str, Any]) -> list[dict[str, Any]]:
    schemas = document.get("components", {}).get("schemas", {})
    return [
        {
            "method": method.upper(),
            "path": path,
            "what": call.get("description", ""),
            "parameters": [p["name"] for p in call.get("parameters", ()) if p["in"] == "query"],
            "fields": _fields(call, schemas),
        }
        for path, methods in document.get("paths", {}).items()
        for method, call in methods.items()
    ]


def _fields(call: dict[str, Any], schemas: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Name, type and required flag of each field of a call's body."""
    content = call.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    for option in schema.get("anyOf", [schema]):
        if "$ref" in option:
            schema = schemas.get(option["$ref"].rpartition("/")[2], {})
    required = schema.get("required", ())
    return [
        (name, _kind(field), name in required)
        for name, field in schema.get("properties", {}).items()
    ]


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " | ".join(_kind(option) for option in field["anyOf"])
    if "enum" in field:
        return " | ".join(str(value) for value in field["enum"])
    if field.get("type") == "array":
        return f"[{_kind(field.get('items', {}))}]"
    return str(field.get("format") or field.get("type", "any"))
