"""ASGI middleware for every request: body limit, request id and access log."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hirewire.kit.models import NUL_FOUND
from hirewire.kit.problems import explained, problem, unexpected
from hirewire.kit.secret_texts import ANYWHERE
from hirewire.messaging import tracing
from hirewire.messaging.envelope import Context
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import context

log = structlog.get_logger("hirewire.http")

MAX_BODY = 1024 * 1024
LINGER_BYTES = 16 * 1024 * 1024
LINGER_SECONDS = 5.0
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
SECRET = re.compile(r"((?:^|/)(?:shared|erasures|calendar)/+)[^/]+", re.IGNORECASE)
"""Path segments that are secrets: anyone who knows them has access."""
TRACEPARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
FIRST_ERROR = 400
READS = ("GET", "HEAD")


Shown = Callable[[Request, Response], Awaitable[Response]]


class _TooLarge(Exception):
    pass


def without_secrets(path: str) -> str:
    """The path with its secrets masked, for logs and spans."""
    return ANYWHERE.sub("…", SECRET.sub(r"\1…", path))


async def drain(scope: Scope, receive: Receive) -> None:
    """Read the rest of a body for a limited time.

    A client that is still sending when the connection closes may never see the response.
    """
    if any(name == b"expect" for name, _ in scope["headers"]):
        return
    left, more = LINGER_BYTES, True
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0 and more:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


class BodyLimit:
    """Responds with 413 to a body over the limit, with or without a `Content-Length`.

    An early response is completed after the body has been read. `larger` holds exact paths with
    their own limits in bytes. `shown` may render the response differently.
    """

    def __init__(
        self,
        app: ASGIApp,
        larger: Iterable[tuple[str, int]] = (),
        shown: Shown | None = None,
    ) -> None:
        self._app = app
        self._larger = dict(larger)
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], MAX_BODY)

        async def answer() -> None:
            refusal: Response = problem(
                413,
                "too-large",
                f"The body is larger than {limit} bytes.",
                params={"max": limit},
                headers={"Connection": "close"},
            )
            if self._shown is not None:
                refusal = await self._shown(Request(scope), refusal)
                refusal.headers["Connection"] = "close"
            await drain(scope, receive)
            await refusal(scope, receive, send)

        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await answer()
            return
        received, answered, has_come = 0, False, length == b"0" and not _is_chunked(scope)

        async def limited() -> Message:
            nonlocal received, has_come
            message = await receive()
            received += len(message.get("body", b""))
            has_come = not message.get("more_body", False)
            if received > limit:
                raise _TooLarge
            return message

        async def watched(message: Message) -> None:
            # The application may have turned `_TooLarge` into another response.
            nonlocal answered
            if received <= limit:
                ends = message["type"] == "http.response.body" and not message.get("more_body")
                if ends and not has_come:
                    await drain(scope, receive)
                await send(message)
            elif not answered:
                answered = True
                await answer()

        try:
            await self._app(scope, limited, watched)
        except _TooLarge:
            if not answered:
                await answer()


def _is_chunked(scope: Scope) -> bool:
    return any(name == b"transfer-encoding" for name, _ in scope["headers"])


class RequestContext:
    """Gives each request an id and logs one line for it.

    The id is the client's `X-Request-Id` if it is well-formed. It becomes the correlation id of
    recorded events and is returned in the response. URLs with a NUL character, which PostgreSQL
    cannot store, are refused. `shown` may render the response to an unexpected error differently.
    """

    def __init__(self, app: ASGIApp, service: str, shown: Shown | None = None) -> None:
        self._app = app
        self._service = service
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else str(new_id())
        parent = headers.get(b"traceparent", b"")
        trace = parent.decode() if TRACEPARENT.fullmatch(parent) else None
        scope.setdefault("state", {})["request_id"] = request_id
        status, started = 0, time.perf_counter()
        path = without_secrets(scope["path"])

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        token = context.set(None)
        try:
            with tracing.serving(scope["method"], path, trace) as (trace, span):
                context.set(Context(correlation_id=request_id, traceparent=trace))
                with structlog.contextvars.bound_contextvars(request_id=request_id):
                    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
                        await self._refuse_nul(scope, receive, with_id)
                    else:
                        await self._app(scope, receive, with_id)
                if span is not None:
                    span.set_attribute("http.response.status_code", status)
                    if (route := scope.get("route")) is not None:
                        span.update_name(f"{scope['method']} {route.path}")
        except Exception as error:
            if status:
                raise
            answer: Response = unexpected(error, path)
            if self._shown is not None:
                answer = await self._shown(Request(scope), answer)
            await answer(scope, receive, with_id)
        finally:
            context.reset(token)
            if not scope["path"].startswith(("/health", "/metrics")):
                who = _who(scope, status)
                log.info(
                    "request",
                    service=self._service,
                    method=scope["method"],
                    path=path,
                    status=status,
                    ms=round((time.perf_counter() - started) * 1000, 1),
                    request_id=request_id,
                    trace_id=(trace or "--").split("-")[1],
                    **who,
                )

    async def _refuse_nul(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        errors = [
            {"parameter": name.replace("\x00", "")}
            | explained(NUL_FOUND, "unsupported_character", {})
            for name, value in given[:50]
            if "\x00" in name + value
        ]
        detail = "The address has a NUL character in it."
        refusal: Response = problem(422, "invalid", detail, errors=errors)
        if self._shown is not None:
            refusal = await self._shown(Request(scope), refusal)
        await refusal(scope, receive, send)


def _who(scope: Scope, status: int) -> dict[str, str]:
    """For the log: the code of a refusal, the API key's id, and the user's id if the request was
    refused or may have changed something.
    """
    state = scope["state"]
    found = {"problem": state["problem"]} if "problem" in state else {}
    if "api_key" in state:
        found["api_key"] = state["api_key"]
    if "user" in state and (status >= FIRST_ERROR or scope["method"] not in READS):
        found["user"] = state["user"]
    return found
