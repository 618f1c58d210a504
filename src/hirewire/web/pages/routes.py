"""The start page, and a page on each service's API."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hirewire import __version__
from hirewire.web.clients import Services
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


@router.get("/")
async def start(request: Request) -> HTMLResponse:
    """What is running, and where to go from here."""
    services: Services = request.app.state.services
    return _page(request, "start.html", states=await services.states())


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
