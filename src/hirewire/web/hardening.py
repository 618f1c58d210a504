"""Security and cache headers of every answer, and access control of the operators' pages."""

import ipaddress
import secrets
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hirewire.kit.problems import problem

HSTS = b"max-age=31536000; includeSubDomains"
NOTHING = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of what is no page: opened as one, it loads and runs nothing."""
PERMISSIONS = b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
FORWARDING = frozenset({b"forwarded", b"via", b"x-forwarded-for"})


class Hardened:
    """ASGI middleware: adds security headers and removes the request's host from redirects.

    Answers to requests that sign in or carry credentials, and answers that set cookies, get
    `no-store` unless they set another cache policy.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        """`secure` says whether the public origin is https."""
        self._app = app
        self._added = [
            (b"permissions-policy", PERMISSIONS),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"content-security-policy", NOTHING),
            (b"referrer-policy", b"same-origin"),
        ]
        if secure:
            self._added.append((b"strict-transport-security", HSTS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        personal = b"authorization" in asked or b"hirewire_" in asked.get(b"cookie", b"")
        own = f"{scope['scheme']}://".encode() + asked.get(b"host", b"")

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._headers(message["headers"], personal, own)
            await send(message)

        await self._app(scope, receive, hardened)

    def _headers(
        self, given: list[tuple[bytes, bytes]], personal: bool, own: bytes
    ) -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in given}
        made = [
            (name, _path_of(value, own) if name == b"location" else value) for name, value in given
        ]
        made += [pair for pair in self._added if pair[0] not in names]
        if b"cache-control" not in names and (personal or b"set-cookie" in names):
            made.append((b"cache-control", b"no-store"))
        return made


def _path_of(location: bytes, own: bytes) -> bytes:
    """The path of a redirect within this origin. The host in the request is not trusted."""
    rest = location[len(own) :]
    return rest if location.startswith(own) and rest.startswith(b"/") else location


class OperatorsOnly:
    """ASGI middleware: restricts ``/metrics`` and ``/health/…`` to operators.

    These are requests from the machine itself or with the operator token. Other clients get 404.
    ``/dev/…`` is for the machine itself alone, under a name of its own: a page elsewhere whose
    name was made to lead here (DNS rebinding) must not read it.
    """

    def __init__(self, app: ASGIApp, *, token: str | None) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"] if scope["type"] == "http" else ""
        is_theirs = path.startswith(("/metrics", "/health")) and not self._may(scope)
        if is_theirs or (path.startswith("/dev/") and not _is_here(scope)):
            await problem(404, "not-found", "There is no such page.")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        asked = dict(scope["headers"])
        if self._expected is not None and secrets.compare_digest(
            asked.get(b"authorization", b""), self._expected
        ):
            return True
        return _is_here(scope, by_name=False)


def _is_here(scope: Scope, *, by_name: bool = True) -> bool:
    """Whether the request comes from this machine, directly; `by_name`: and says so."""
    asked = dict(scope["headers"])
    if FORWARDING & asked.keys() or scope["client"] is None:
        return False
    host = urlsplit(f"//{asked.get(b'host', b'').decode('latin-1')}").hostname
    try:
        if by_name and host != "localhost" and not ipaddress.ip_address(host or "").is_loopback:
            return False
        return ipaddress.ip_address(scope["client"][0]).is_loopback
    except ValueError:
        return False
