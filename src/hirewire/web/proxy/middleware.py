"""The reverse proxy: forwards the paths that the services' manifests name."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

import structlog
from prometheus_client import Counter
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hirewire.kit.errors import Unavailable
from hirewire.kit.middleware import drain
from hirewire.kit.problems import problem
from hirewire.kit.secret_texts import ANYWHERE
from hirewire.web.proxy.api_keys import Allowance, ApiKeys, LimitReached
from hirewire.web.proxy.exchange import (
    MOST_BODY,
    Bodies,
    BodyTooLarge,
    ClientGone,
    ClientSlow,
    Exchange,
    ServiceSlow,
    TooManyBodies,
)
from hirewire.web.proxy.guesses import TooManyGuesses
from hirewire.web.proxy.headers import request_headers
from hirewire.web.proxy.personal_tokens import PersonalTokens, Refused
from hirewire.web.upstream import Away, BrokeOff, Busy, Silent, Upstream

log = structlog.get_logger(__name__)

API = b"/api/"
DOT_SEGMENT = re.compile(r"(?:^|[/\\])\.{1,2}(?:[/\\]|$)")
OPENAPI = b"/openapi.json"
DOCS = b"/api/docs"
"""An HTML page of the gateway with the list of API calls."""
SENDABLE = re.compile(rb'[!"$-~]+')
"""The characters allowed in a request target: printable ASCII without a fragment."""

answers = Counter(
    "hirewire_web_answers_total",
    "Answers of services, or of the gateway in their place",
    ["service", "status"],
)


class Proxy:
    """ASGI middleware: forwards the paths of services, and leaves other requests to `app`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Mapping[str, Upstream],
        personal: PersonalTokens,
        keys: ApiKeys,
    ) -> None:
        """`routes`: upstreams by path prefix, such as `/api/auth/` or `/.well-known/`."""
        self._app = app
        self._personal = personal
        self._keys = keys
        self._routes = {path.encode(): upstream for path, upstream in routes.items()}
        self._prefixes = (API, *(path for path in self._routes if not path.startswith(API)))
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("raw_path", b"")
        if scope["type"] != "http" or path == DOCS or not path.startswith(self._prefixes):
            await self._app(scope, receive, send)
            return
        if DOT_SEGMENT.search(scope["path"]):
            answer = problem(404, "not-found", "A path must not contain . or .. segments.")
            await answer(scope, receive, send)
            return
        found = self._find(scope["raw_path"])
        if found is None:
            answer = problem(404, "not-found", "No service answers at this path.")
            await answer(scope, receive, send)
            return
        if ANYWHERE.search(f"{scope['path']}?{unquote(scope['query_string'].decode('latin-1'))}"):
            await _turned_away(_in_address(), scope, receive, send)
            return
        try:
            scope, allowance = await self._keys.admitted(scope)
            scope = await self._personal.exchanged(scope)
        except (Refused, Unavailable, LimitReached, TooManyGuesses) as error:
            await _turned_away(_refusal(error), scope, receive, send)
            return
        if allowance is not None:
            send = _with_headers(allowance, send)
        await self._pass_on(*found, scope, receive, send)

    def _find(self, raw_path: bytes) -> tuple[Upstream, bytes] | None:
        """The service and the path there; None if no service has the path.

        The bytes of the path are unchanged.
        """
        is_api = raw_path.startswith(API)
        end = raw_path.find(b"/", len(API) if is_api else 1) + 1
        upstream = self._routes.get(raw_path[:end])
        if upstream is None:
            return None
        is_document = is_api and raw_path[end:] == OPENAPI[1:]
        return upstream, OPENAPI if is_document else raw_path

    async def _pass_on(
        self, upstream: Upstream, path: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        exchange = self._exchange(upstream, path, scope, receive, send)
        if exchange is None:
            answer = problem(400, "bad-request", "The request is not valid HTTP.")
            await answer(scope, receive, send)
            return
        try:
            await exchange.run()
            status = str(exchange.status)
        except ClientGone:
            status = "client gone"
        except tuple(IN_PLACE) as error:
            status = str(IN_PLACE[type(error)][0])
            await _answer_error(error, exchange)
        answers.labels(upstream.name, status).inc()

    def _exchange(
        self, upstream: Upstream, path: bytes, scope: Scope, receive: Receive, send: Send
    ) -> Exchange | None:
        """The exchange; None for a request that cannot be forwarded unchanged."""
        query = scope["query_string"]
        target = path + (b"?" + query if query else b"")
        given = request_headers(
            scope,
            host=upstream.host.encode(),
            request_id=scope.get("state", {}).get("request_id", "").encode(),
        )
        try:
            headers = [(name.decode(), value.decode()) for name, value in given]
        except UnicodeDecodeError:
            return None
        if not SENDABLE.fullmatch(target):
            return None
        whole = upstream.prefix + target.decode()
        return Exchange(scope, receive, send, upstream, whole, headers, self._bodies)


IN_PLACE: dict[type[Exception], tuple[int, str, str, dict[str, str]]] = {
    Away: (503, "service-away", "{} cannot be reached right now.", {"Retry-After": "1"}),
    Busy: (503, "service-busy", "{} has too many requests in progress.", {"Retry-After": "1"}),
    BrokeOff: (502, "service-broke-off", "{} did not complete its answer; it may have acted.", {}),
    Silent: (504, "service-slow", "{} is not responding; it may have acted.", {}),
    ServiceSlow: (504, "service-slow", "{} did not answer in time; it may have acted.", {}),
    ClientSlow: (408, "body-late", "The body for {} did not arrive in time.", {}),
    BodyTooLarge: (413, "too-large", f"The body for {{}} is larger than {MOST_BODY} bytes.", {}),
    TooManyBodies: (503, "too-many-bodies", "Too many bodies arrive for {}.", {"Retry-After": "5"}),
}


def _with_headers(allowance: Allowance, send: Send) -> Send:
    """Add what is left of an API key's minute to the answer, whoever gives it."""
    added = allowance.headers()

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sent


async def _turned_away(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    await drain(scope, receive)
    await refusal(scope, receive, send)


def _refusal(error: Exception) -> Response:
    if isinstance(error, LimitReached):
        return _limited(error.allowance)
    if isinstance(error, TooManyGuesses):
        return problem(
            429,
            "too-many-guesses",
            f"Too many wrong tokens came from this network: wait {error.retry_after} seconds.",
            params={"seconds": error.retry_after},
            headers={"Retry-After": str(error.retry_after)},
        )
    return _refused() if isinstance(error, Refused) else _not_exchanged()


def _limited(allowance: Allowance) -> Response:
    answer = problem(
        429,
        "too-many-requests",
        f"This API key has used its {allowance.limit} requests of this minute: "
        f"wait {allowance.seconds} seconds.",
        params={"limit": allowance.limit, "seconds": allowance.seconds},
        headers={"Retry-After": str(allowance.seconds)},
    )
    answer.raw_headers.extend(allowance.headers())
    return answer


def _in_address() -> Response:
    return problem(
        400,
        "secret-in-address",
        "A token or an API key stands in the address, where logs keep it: send it in the header "
        "Authorization, and replace it.",
    )


def _refused() -> Response:
    return problem(
        401,
        "invalid-token",
        "The access token is wrong, has expired or was revoked.",
        headers={"WWW-Authenticate": 'Bearer realm="hirewire", error="invalid_token"'},
    )


def _not_exchanged() -> Response:
    status, slug, detail, headers = IN_PLACE[Away]
    return problem(status, slug, detail.format("auth"), headers=headers, service="auth")


async def _answer_error(error: Exception, exchange: Exchange) -> None:
    """Send an error in place of the service. An answer that has begun can only be aborted."""
    status, slug, detail, headers = IN_PLACE[type(error)]
    name = exchange.upstream.name
    log.warning("request not forwarded", service=name, problem=slug, broken_off=exchange.started)
    if exchange.started:
        return
    if isinstance(error, BodyTooLarge | ClientSlow | TooManyBodies):
        headers = headers | {"Connection": "close"}
    if isinstance(error, BodyTooLarge | TooManyBodies):
        await exchange.drain()
    answer = problem(status, slug, detail.format(name), headers=headers, service=name)
    await answer(exchange.scope, exchange.receive, exchange.send)
