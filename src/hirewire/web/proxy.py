"""Passing requests on to the services: streamed both ways, with the right headers and limits."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import httpx
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from hirewire.kit.problems import problem
from hirewire.kit.settings import Settings

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 2.0
HEAD_SECONDS = 30.0
BETWEEN_CHUNKS_SECONDS = 60.0
LARGEST_BODY = 8 * 1024 * 1024 + 64 * 1024
# RFC 9110 section 7.6.1, and those of old.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
REPLACED = frozenset((b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"))
Headers = list[tuple[bytes, bytes]]


class ClientGone(Exception):
    """Whoever asked has hung up."""


class Proxy:
    """Passes what is under `/api/<service>/` (and `/.well-known/`, to `auth`) on; the rest goes to
    `app`.
    """

    def __init__(self, app: ASGIApp, settings: Settings, services: Iterable[str]) -> None:
        self._app = app
        self._targets = {name: settings.service_url(name) for name in services}
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        target = self._target(scope) if scope["type"] == "http" else None
        if target is None:
            await self._app(scope, receive, send)
            return
        service, url = target
        try:
            await self._pass_on(service, url, scope, receive, send)
        except ClientGone:
            return

    async def close(self) -> None:
        """Close the connections to the services."""
        if self._client is not None:
            await self._client.aclose()

    def _target(self, scope: Scope) -> tuple[str, str] | None:
        """Which service, and the address there: the path as it came, not decoded."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.split(b"?", 1)[0].decode("latin-1")
        first, _, rest = path[1:].partition("/")
        if first == ".well-known" and "auth" in self._targets:
            service = "auth"
        elif first == "api" and rest.partition("/")[0] in self._targets:
            service, _, rest = rest.partition("/")
            if rest == "openapi.json":
                path = "/openapi.json"
        else:
            return None
        # `/api/auth/../../metrics` would be another path at the service: not passed on.
        if any(part in ("..", ".") for part in _plain(path).split("/")):
            return None
        query = scope.get("query_string", b"").decode("latin-1")
        return service, self._targets[service] + path + (f"?{query}" if query else "")

    async def _pass_on(
        self, service: str, url: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = _Body(receive)
        headers = self._forwarded(scope)
        announced = dict(headers).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > LARGEST_BODY:
            answer = problem(413, "too-large", f"The body is larger than {LARGEST_BODY} bytes.")
            await answer(scope, receive, send)
            return
        has_body = announced != b"0" or b"transfer-encoding" in dict(scope["headers"])
        request = self._http().build_request(
            scope["method"], url, headers=headers, content=body.chunks() if has_body else None
        )
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                response = await self._http().send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            await self._away(service)(scope, receive, send)
            return
        except (TimeoutError, httpx.TimeoutException):
            answer = problem(504, "too-slow", f"{service} has not answered in time.")
            await answer(scope, receive, send)
            return
        except _BodyTooLarge:
            answer = problem(413, "too-large", f"The body is larger than {LARGEST_BODY} bytes.")
            await answer(scope, receive, send)
            return
        except httpx.HTTPError as error:
            log.warning("service hung up", target=service, error=type(error).__name__)
            await self._away(service)(scope, receive, send)
            return
        await self._answer(service, response, body, send)

    async def _answer(
        self, service: str, response: httpx.Response, body: "_Body", send: Send
    ) -> None:
        """Stream the answer, until it ends or whoever asked has gone."""
        streamed = asyncio.ensure_future(_stream(response, send))
        gone = asyncio.ensure_future(body.disconnected())
        try:
            await asyncio.wait({streamed, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not streamed.done():
                raise ClientGone
            streamed.result()
        except (httpx.HTTPError, TimeoutError) as error:
            # The head is sent: all that is left is not to pretend that the answer was whole.
            log.warning("answer broken off", target=service, error=type(error).__name__)
            raise
        finally:
            for task in (streamed, gone):
                task.cancel()
            await asyncio.gather(streamed, gone, return_exceptions=True)
            await response.aclose()

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(
                    HEAD_SECONDS, connect=CONNECT_SECONDS, read=None, pool=HEAD_SECONDS
                ),
                limits=httpx.Limits(
                    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30
                ),
                follow_redirects=False,
                trust_env=False,
            )
        return self._client

    def _forwarded(self, scope: Scope) -> Headers:
        incoming: Headers = list(scope["headers"])
        dropped = HOP_BY_HOP | REPLACED | _named_by_connection(incoming)
        headers = [(name, value) for name, value in incoming if name not in dropped]
        # The server has believed `X-Forwarded-For` already, as far as its sender is trusted.
        client = scope["client"][0] if scope.get("client") else ""
        host = dict(incoming).get(b"host", b"")
        request_id = scope.get("state", {}).get("request_id")
        if request_id:
            headers = [pair for pair in headers if pair[0] != b"x-request-id"]
            headers.append((b"x-request-id", request_id.encode()))
        headers += [
            (b"x-forwarded-for", client.encode()),
            (b"x-forwarded-proto", scope.get("scheme", "http").encode()),
            (b"x-forwarded-host", host),
            (b"via", b"1.1 hirewire"),
        ]
        return headers

    def _away(self, service: str) -> ASGIApp:
        return problem(
            503,
            "service-away",
            f"{service} is away right now; nothing was changed. It may be back in a moment.",
            headers={"Retry-After": "1"},
            service=service,
        )


class _BodyTooLarge(Exception):
    pass


class _Body:
    """The request's body as it comes, and the moment at which the client hangs up."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = False
        self._gone = False

    async def chunks(self) -> AsyncIterator[bytes]:
        size = 0
        while not self._whole:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                raise ClientGone
            self._whole = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise _BodyTooLarge
            yield message.get("body", b"")

    async def disconnected(self) -> None:
        while not self._gone:
            message = await self._receive()
            self._gone = message["type"] == "http.disconnect"


async def _stream(response: httpx.Response, send: Send) -> None:
    dropped = HOP_BY_HOP | _named_by_connection(response.headers.raw)
    headers = [(n.lower(), v) for n, v in response.headers.raw if n.lower() not in dropped]
    headers = [(n, v) for n, v in headers if n not in (b"x-request-id", b"date", b"server")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    endless = response.headers.get("content-type", "").startswith("text/event-stream")
    chunks = response.aiter_raw()
    while True:
        try:
            async with asyncio.timeout(None if endless else BETWEEN_CHUNKS_SECONDS):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            break
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    return frozenset(
        token.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for token in value.split(b",")
    )


def _plain(path: str) -> str:
    """The path with its dots and slashes decoded, however they were written."""
    for written, meant in (("%2e", "."), ("%2E", "."), ("%2f", "/"), ("%2F", "/"), ("\\", "/")):
        path = path.replace(written, meant)
    return path
