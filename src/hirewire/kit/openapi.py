"""The OpenAPI document of a service, with every response status, media type and security need.

A route lists its own errors with `refuses`. Errors that follow from its parameters (a body, a
caller, a database) are added here.
"""

import asyncio
import json
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import JsonSchemaValue

from hirewire.kit.errors import AppError
from hirewire.kit.http import needs_caller, needs_verified, takes_caller
from hirewire.kit.models import without_nul
from hirewire.kit.problems import MEDIA_TYPE, STATUS

PATH = "/openapi.json"
Responses = dict[int | str, dict[str, Any]]
"""FastAPI's own type of `responses`."""

BEARER, API_KEY = "bearer", "apiKey"
SIGNED_IN: list[dict[str, list[str]]] = [{BEARER: []}]
"""The `security` of a route that authenticates the caller in another way."""
_COMMON = {
    400: "The body is not valid JSON.",
    401: "`unauthenticated`, `invalid-token`: a valid access token is needed.",
    403: "`insufficient-scope`: a personal access token or an API key without the scope.",
    413: "`too-large`: the body is larger than the limit.",
    422: "`invalid`: some values are invalid; `errors` lists them.",
    503: "`database-away`, or a dependency is not ready: try again after `Retry-After` seconds.",
}
_UNVERIFIED = "`email-not-verified`: the board requires a verified email address."
_DETAIL = {
    "detail": {"type": "string"},
    "code": {
        "type": "string",
        "pattern": "^[a-z0-9_]+$",
        "description": "What is wrong, for programs: it never changes, while `detail` may.",
    },
    "params": {
        "type": "object",
        "description": "The values in `detail` by name, such as `max_length`.",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
}
_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "params"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:hirewire:problem:[a-z0-9-]+$"},
        "title": {"type": "string", "description": "The name of the HTTP status."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        **_DETAIL,
        "errors": {
            "type": "array",
            "description": "The invalid values, each with its location.",
            "items": {
                "type": "object",
                "required": ["detail", "code", "params"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer into the body (RFC 6901).",
                    },
                    "parameter": {
                        "type": "string",
                        "description": "A parameter of the path, query or headers.",
                    },
                    **_DETAIL,
                },
            },
        },
    },
}
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer", "minimum": 0}}},
    503: {"Retry-After": {"schema": {"type": "integer", "minimum": 0}}},
}


def refuses(*errors: type[AppError]) -> Responses:
    """`responses` of a route that raises these errors."""
    responses: Responses = {}
    for error in errors:
        said = (error.__doc__ or "").strip().partition("\n")[0]
        answer = responses.setdefault(STATUS[error.kind], {"description": ""})
        answer["description"] += f"{' ' if answer['description'] else ''}`{error.slug}`: {said}"
    return responses


def media(*kinds: str, description: str = "The requested content.") -> Responses:
    """`responses` of a route whose successful response has these media types instead of JSON."""
    text = {"schema": {"type": "string"}}
    content = {
        kind: {} if kind == "application/pdf" or kind.startswith("image/") else text
        for kind in kinds
    }
    return {200: {"description": description, "content": content}}


def describe(app: FastAPI) -> None:
    """Serve the application's OpenAPI document, built at its first use in a thread:
    that takes half a second.
    """

    def document() -> JsonSchemaValue:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    @cache
    def content() -> bytes:
        return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()

    async def served(_: Request) -> Response:
        return Response(await asyncio.to_thread(content), media_type="application/json")

    app.openapi = document  # type: ignore[method-assign]
    app.add_route(PATH, served, include_in_schema=False)


def _document(app: FastAPI) -> JsonSchemaValue:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `accessToken` from `POST /api/auth/login`, or a personal access "
            "token (`hw_…`) that was made at `POST /api/auth/tokens`.",
        },
        API_KEY: {
            "type": "http",
            "scheme": "bearer",
            "description": "The API key of a company (`hwk_…`), made at `POST /api/auth/api-keys`; "
            "it needs the named scope. Answers have `RateLimit` headers.",
        },
    }
    for route in _routes(app):
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            scope = app.state.key_scopes.get(f"{method} {route.path}")
            _complete(operation, route, scope)
    return document


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            yield route


def _complete(operation: JsonSchemaValue, route: APIRoute, key_scope: str | None) -> None:
    """`key_scope` is what an API key needs; None if it may not call this."""
    calls = set(_calls(route.dependant))
    ways = [*SIGNED_IN, *([{API_KEY: [key_scope]}] if key_scope is not None else [])]
    if needs_caller in calls:
        operation["security"] = ways
    elif takes_caller in calls:
        operation["security"] = [{}, *ways]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] in ("path", "query"):
            without_nul(parameter["schema"])
    common = {422, 503}
    if "requestBody" in operation:
        common |= {400, 413}
    if operation.get("security"):
        common |= {401, 403}
    answers = operation["responses"]
    answers.pop("422", None)
    own = {int(status): answer for status, answer in route.responses.items()}
    for status in sorted(common | {status for status in own if status >= 400}):
        texts = [own[status]["description"]] if status in own else []
        if status == 403 and needs_verified in calls:
            texts.append(_UNVERIFIED)
        if status in common:
            texts.append(_COMMON[status])
        answers[str(status)] = {
            "description": " ".join(texts) or HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        } | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
    operation["responses"] = dict(sorted(answers.items()))


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)
