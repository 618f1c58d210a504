"""Pages for everybody: the start page, the list, a vacancy, a company, shared resumes."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from hirewire.kit.errors import Invalid, Unavailable
from hirewire.web.clients import Answer, Services
from hirewire.web.pages import jsonld
from hirewire.web.pages.rendering import Asking, Form, render
from hirewire.web.sessions import SignInFirst, Visitor

router = APIRouter(include_in_schema=False)
NARROWED = (
    *("area", "skill", "workFormat", "employmentType", "experience", "company"),
    *("currency", "salaryFrom", "days"),
)
SEARCHED = ("q", "sort", "after", *NARROWED)
SHOWN_FACETS = ("area", "workFormat", "experience", "employmentType", "skill", "company")


@router.get("/")
async def start(who: Asking) -> Response:
    """A search, and what is new."""
    try:
        found = await who.services.vacancies("limit=8")
    except (Unavailable, Invalid):
        found = None
    return render(who, "start.html", found=found)


@router.get("/status")
async def status(who: Asking) -> Response:
    """What is running, and the API."""
    origin = str(who.request.base_url).rstrip("/")
    return render(who, "status.html", states=await who.services.states(), origin=origin)


@router.get("/vacancies")
async def vacancies(who: Asking) -> Response:
    """The list of open vacancies, with a search and what narrows it."""
    pairs = who.request.query_params.multi_items()
    given = [(k, v) for k, v in pairs if k in SEARCHED and v.strip()]
    try:
        found = await who.services.vacancies(
            urlencode([*given, ("limit", "20"), ("facets", "true")])
        )
    except Invalid:
        return render(who, "missing.html", 422)
    except Unavailable:
        return _away(who)
    again = [pair for pair in given if pair[0] != "after"]
    following = urlencode([*again, ("after", found["next"])]) if found["next"] else None
    return render(
        who,
        "vacancies.html",
        found=found,
        asked=dict(given),
        given=again,
        following=following,
        feed=urlencode(again),
        facets=_facets(found, again),
        narrowed=[pair for pair in again if pair[0] in NARROWED],
    )


def _facets(
    found: dict[str, Any], given: list[tuple[str, str]]
) -> list[tuple[str, list[tuple[str, int, str, bool]]]]:
    """Name, and of each value: label, how many, the search with or without it, whether chosen."""
    shown = []
    for name in SHOWN_FACETS:
        values = []
        for bucket in ((found["facets"] or {}).get(name) or ())[:8]:
            pair = (name, bucket["value"])
            chosen = pair in given
            others = [one for one in given if one != pair]
            query = urlencode(others if chosen else [*others, pair])
            values.append((bucket["label"], bucket["count"], query, chosen))
        if values:
            shown.append((name, values))
    return shown


@router.get("/vacancies/{id}")
async def vacancy(id: UUID, who: Asking) -> Response:
    """One vacancy, with its `JobPosting` for search engines while it is open."""
    try:
        found = await who.services.vacancy(id)
    except Unavailable:
        return _away(who)
    if found is None or found["status"] == "draft":
        return render(who, "missing.html", 404)
    if found["status"] == "archived":
        return render(who, "gone.html", 410)
    markup, app = None, who.request.app
    if found["status"] == "published":
        posting = jsonld.job_posting(found, str(app.state.public_url), app.state.country)
        markup = Markup(jsonld.script(posting))  # noqa: S704
    # The service has sanitised it (nh3) before it was stored.
    text = Markup(found["description"] or "")  # noqa: S704
    resumes = await _own_resumes(who) if found["status"] == "published" else None
    return render(
        who,
        "vacancy.html",
        vacancy=found,
        text=text,
        markup=markup,
        resumes=resumes,
        similar=await _similar(who, found),
        form=Form(),
    )


async def _own_resumes(who: Visitor) -> Answer | None:
    if not who.is_signed_in:
        return None
    try:
        return await who.call("profiles", "GET", "/api/profiles/resumes")
    except (Unavailable, SignInFirst):
        return None


async def _similar(who: Visitor, vacancy: dict[str, Any]) -> list[dict[str, Any]]:
    """Open ones that ask for the same first skills."""
    asked = [one["skill"] for one in vacancy["requirements"][:2]]
    if not asked:
        return []
    query = urlencode([("skill", skill) for skill in asked] + [("limit", "5")])
    try:
        found = await who.services.vacancies(query)
    except (Unavailable, Invalid):
        return []
    return [one for one in found["items"] if one["id"] != vacancy["id"]][:4]


@router.get("/companies/{id}")
async def company(id: UUID, who: Asking) -> Response:
    """A company's open vacancies."""
    try:
        found = await who.services.vacancies(f"company={id}&limit=50")
    except (Unavailable, Invalid):
        return _away(who)
    if not found["items"]:
        return render(who, "missing.html", 404)
    return render(who, "company.html", found=found, name=found["items"][0]["companyName"])


@router.get("/shared/{key}")
async def shared(key: str, who: Asking) -> Response:
    """A resume by its link."""
    try:
        found = await who.services.call("profiles", "GET", f"/api/profiles/shared/{key}")
    except Unavailable:
        return _away(who)
    if not found.is_good:
        return render(who, "missing.html", 404)
    response = render(who, "shared.html", resume=found.data)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@router.get("/sitemap.xml")
async def sitemap_index(request: Request) -> Response:
    """The index of sitemaps."""
    return await _feed(request, "sitemap.xml")


@router.get("/sitemaps/{n}.xml")
async def sitemap(n: int, request: Request) -> Response:
    """One of them."""
    return await _feed(request, f"sitemaps/{n}.xml")


@router.get("/robots.txt")
async def robots(request: Request) -> Response:
    """What robots may read, and where the sitemap is."""
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
    """Name, type and whether it is required, of the fields of a call's body."""
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
