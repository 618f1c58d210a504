"""The start page, and a page on each service's API."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hirewire import __version__
from hirewire.kit.errors import Invalid, Unavailable
from hirewire.web.clients import Services
from hirewire.web.pages import jsonld
from hirewire.web.pages.texts import texts_for

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
router = APIRouter(include_in_schema=False)
SEARCHED = ("q", "area", "workFormat", "employmentType", "experience", "after")


@router.get("/")
async def start(request: Request) -> HTMLResponse:
    """What is running, and where to go from here."""
    services: Services = request.app.state.services
    return _page(request, "start.html", states=await services.states())


@router.get("/vacancies")
async def vacancies(request: Request) -> Response:
    """The list of open vacancies, with a search."""
    services: Services = request.app.state.services
    given = [(k, v) for k, v in request.query_params.multi_items() if k in SEARCHED and v.strip()]
    try:
        found = await services.vacancies(urlencode([*given, ("limit", "20")]))
    except Invalid:
        return _page(request, "missing.html", status=422)
    except Unavailable:
        return _away(request)
    again = urlencode([pair for pair in given if pair[0] != "after"])
    following = f"{again}&after={found['next']}".lstrip("&") if found["next"] else None
    asked = dict(given)
    return _page(
        request, "vacancies.html", found=found, asked=asked, following=following, feed=again
    )


@router.get("/vacancies/{id}")
async def vacancy(id: UUID, request: Request) -> Response:
    """One vacancy, with its `JobPosting` for search engines while it is open."""
    services: Services = request.app.state.services
    try:
        found = await services.vacancy(id)
    except Unavailable:
        return _away(request)
    if found is None or found["status"] == "draft":
        return _page(request, "missing.html", status=404)
    if found["status"] == "archived":
        return _page(request, "gone.html", status=410)
    markup = None
    if found["status"] == "published":
        site = str(request.app.state.public_url)
        markup = Markup(jsonld.script(jsonld.job_posting(found, site, request.app.state.country)))  # noqa: S704
    # The service has sanitised it (nh3) before it was stored.
    text = Markup(found["description"] or "")  # noqa: S704
    return _page(request, "vacancy.html", vacancy=found, text=text, markup=markup)


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
    text = f"User-agent: *\nDisallow: /api/\nSitemap: {site}/sitemap.xml\n"
    return Response(text, media_type="text/plain; charset=utf-8")


async def _feed(request: Request, path: str) -> Response:
    services: Services = request.app.state.services
    status, body, kind = await services.feed(path)
    return Response(body, status, media_type=kind)


def _away(request: Request) -> Response:
    page = _page(request, "away.html", status=503)
    page.headers["Retry-After"] = "5"
    return page


@router.get("/docs/{name}")
async def api(name: str, request: Request) -> HTMLResponse:
    """A service's calls, from its own OpenAPI document."""
    services: Services = request.app.state.services
    document = await services.openapi(name)
    if document is None:
        return _page(request, "missing.html", status=404)
    return _page(request, "api.html", name=name, calls=_calls(document))


def _page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    texts = texts_for(request.headers.get("accept-language", ""))
    html = _templates.get_template(template).render(
        t=texts, version=__version__, origin=str(request.base_url).rstrip("/"), **values
    )
    return HTMLResponse(
        html,
        status,
        headers={
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "same-origin",
            "Content-Language": texts["lang"],
            "Vary": "Accept-Language",
            "Cache-Control": "no-store",
        },
    )


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
