"""Maps every error to an HTTP status and an `application/problem+json` response (RFC 9457)."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from math import ceil, isfinite
from typing import Any, get_args

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import ConfigDict, JsonValue, ValidationError
from pydantic_core.core_schema import ErrorType
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from hirewire.kit.errors import AppError, Kind, Params
from hirewire.kit.models import Answer
from hirewire.messaging.background import describe
from hirewire.messaging.consuming.failures import is_deadlock
from hirewire.messaging.database import DatabaseUnavailable, is_away

log = structlog.get_logger(__name__)

STATUS = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.PRECONDITION: 412,
    Kind.TOO_LARGE: 413,
    Kind.INVALID: 422,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}
MOST_ERRORS = 50
MOST_ERRORS_OF_PART = 10
"""The same of one part of a request, which may have hundreds."""
MOST_UNKNOWN = 5
"""How many unknown members an error response names."""
LONGEST_PLACE = 200
"""Characters of a pointer or a parameter name, since clients choose both."""
LONGEST_PARAM = 200
"""Characters of a text among the params."""
MOST_PARAMS = 10
OF_PYDANTIC = frozenset(get_args(ErrorType))
LIMITS = frozenset(
    {"min_length", "max_length", "gt", "ge", "lt", "le", "multiple_of", "expected", "pattern"}
)
"""The params of pydantic's errors that are sent; others may contain parts of the input."""
MEDIA_TYPE = "application/problem+json"
INVALID = 422, "invalid", "Some fields are invalid."


class Problem(Answer):
    """A problem as a part of a response. The document has the schema of all problems for it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    params: dict[str, JsonValue]


def problem(
    status: int,
    slug: str,
    detail: str,
    *,
    code: str | None = None,
    params: Params | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """A problem response; `type` is ``urn:hirewire:problem:<slug>``, and so is `code` by default,
    with underscores.
    """
    body = _body(status, slug, detail, code=code, params=params, **members)
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def _body(
    status: int,
    slug: str,
    detail: str,
    *,
    code: str | None = None,
    params: Params | None = None,
    **members: Any,
) -> dict[str, object]:
    return {
        "type": f"urn:hirewire:problem:{slug}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code or slug.replace("-", "_"),
        "params": _sent(params or {}),
        **members,
    }


def part_of_answer(error: AppError | ValidationError) -> Problem:
    """The problem of one part of a request, such as a row of an import, whose other parts may be
    in order. Its pointers begin at that part.
    """
    if isinstance(error, AppError):
        return Problem.model_validate(_body(*_refusal(error), **_members(error)))
    placed = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
    return Problem.model_validate(_body(*INVALID, errors=_named(placed)[:MOST_ERRORS_OF_PART]))


def install(app: FastAPI) -> None:
    """Register the exception handlers, so that every error becomes a problem response."""
    app.add_exception_handler(AppError, business)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)


async def business(request: Request, error: Exception) -> JSONResponse:
    """The response to an `AppError`, whose code the log gets."""
    assert isinstance(error, AppError)
    request.state.problem = error.code
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.kind is Kind.UNAUTHENTICATED:
        reason = ', error="invalid_token"' if error.slug == "invalid-token" else ""
        headers["WWW-Authenticate"] = f'Bearer realm="hirewire"{reason}'
    elif error.slug == "insufficient-scope":
        needed = f', scope="{error.params["scope"]}"' if "scope" in error.params else ""
        reason = f', error="insufficient_scope"{needed}'
        headers["WWW-Authenticate"] = f'Bearer realm="hirewire"{reason}'
    return problem(*_refusal(error), headers=headers, **_members(error))


def _refusal(error: AppError) -> tuple[int, str, str]:
    return STATUS[error.kind], error.slug, _timed(error)


def _members(error: AppError) -> Mapping[str, Any]:
    members = {**error.extra, "code": error.code, "params": error.params}
    if error.errors:
        members["errors"] = [
            {"pointer": one.pointer} | explained(one.detail, one.code, one.params)
            for one in error.errors
        ]
    return members


def explained(detail: str, code: str, params: Params) -> dict[str, object]:
    """The members of a problem that explain what is wrong with a value."""
    return {"detail": detail, "code": code, "params": _sent(params)}


def _sent(params: Mapping[str, Any]) -> dict[str, object]:
    """The params that fit into a response: few, short, and only numbers that JSON has."""
    return dict(list(_scalars(params))[:MOST_PARAMS])


def _scalars(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in params.items():
        if isinstance(value, str):
            yield name, value[:LONGEST_PARAM]
        elif isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
            yield name, value


def _timed(error: AppError) -> str:
    """The error's message, with the time to wait instead of "later"."""
    if error.retry_after is None:
        return error.message
    minutes = max(1, ceil(error.retry_after / 60))
    span = f"{minutes} minutes" if minutes < 120 else f"{ceil(minutes / 60)} hours"
    return error.message.replace("try again later", f"try again in {span}")


async def validation(request: Request, error: Exception) -> JSONResponse:
    """The response to a request that fails validation."""
    assert isinstance(error, RequestValidationError)
    request.state.problem = "invalid"
    errors = _named(error.errors())
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem(400, "not-json", "The body is not valid JSON.", errors=errors)
    return problem(*INVALID, errors=errors)


def _named(found: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """The errors that a response lists: not too many, and few of unknown members."""
    unknown = [item for item in found if item["type"] == "extra_forbidden"]
    beyond = {id(item) for item in unknown[MOST_UNKNOWN:]}
    named = [item for item in found if id(item) not in beyond][:MOST_ERRORS]
    return [_field(item) for item in named]


def _field(item: Mapping[str, Any]) -> dict[str, object]:
    where, *path = item["loc"]
    code, params = item["type"], item.get("ctx") or {}
    if code in OF_PYDANTIC:
        params = {name: value for name, value in params.items() if name in LIMITS}
    wrong = explained(str(item["msg"]).removeprefix("Value error, "), code, params)
    if where == "body":
        if item["type"] == "json_invalid":
            path = []
        pointer = "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)
        return {"pointer": f"#{pointer}"[:LONGEST_PLACE]} | wrong
    parameter = str(path[0]) if path else str(where)
    return {"parameter": parameter[:LONGEST_PLACE]} | wrong


async def http(request: Request, error: Exception) -> JSONResponse:
    """The response to an HTTP exception, such as an unknown path or method."""
    assert isinstance(error, HTTPException)
    slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request)) or headers.get("Allow", "")
    return problem(error.status_code, slug, str(error.detail), headers=headers)


def _methods(request: Request) -> list[str]:
    """All methods of a path, since the router names those of one route only.

    A literal path such as `/vacancies/overview` does not also count as one with a parameter.
    """
    matching = [
        (route.path or "", set(route.methods))
        for route in iter_route_contexts(request.app.routes)
        if route.methods and route.path_regex.match(request.scope["path"])
    ]
    literal = [one for one in matching if "{" not in one[0]]
    return sorted(set().union(*(methods for _, methods in literal or matching)))


def unexpected(error: Exception, path: str) -> JSONResponse:
    """The response to an unexpected error: 503 if the database is unavailable or had to choose
    between two transactions, else 500.

    The log gets the stack trace and the error's type, without the values that its text may quote.
    """
    if isinstance(error, (DatabaseUnavailable, SQLAlchemyError)) and is_away(error):
        log.warning("database unavailable", path=path, error=describe(error))
        return problem(
            503,
            "database-away",
            "The database cannot be reached right now; nothing was changed.",
            headers={"Retry-After": "2"},
        )
    if is_deadlock(error):
        log.warning("transactions in conflict", path=path, error=describe(error))
        detail = "Something else was changed at the same moment; nothing was changed."
        return problem(503, "unavailable", detail, headers={"Retry-After": "1"})
    stack = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected error", path=path, error=describe(error), stack=stack)
    return problem(500, "internal", "Something went wrong; nothing was changed.")
