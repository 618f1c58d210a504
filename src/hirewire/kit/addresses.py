"""Who is at the other end, through proxies that are ours."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

EVERYBODY = "*"


def trust(listed: str) -> Callable[[str], bool]:
    """A check of an address against a comma-separated list of addresses and networks.

    ``*`` trusts all. Raises ValueError that quotes the entry which is neither.
    """
    entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
    everybody = EVERYBODY in entries
    networks = [ipaddress.ip_network(e, strict=False) for e in entries if e != EVERYBODY]

    @lru_cache(maxsize=4096)
    def trusted(address: str) -> bool:
        if everybody:
            return True
        found = _ip(address)
        return found is not None and any(found in network for network in networks)

    return trusted


class ClientAddress:
    """ASGI middleware: `scope["client"]` is the client's own address, and `scope["scheme"]` what
    it used.

    `X-Forwarded-For` is read from its end, where the nearest proxy wrote, and as long as who wrote
    is trusted: what a client made up stands before that and is never reached. Where everybody is
    trusted (``*``) only the nearest proxy's entry counts. Nothing is believed of whoever is not
    trusted.
    """

    def __init__(self, app: ASGIApp, listed: str) -> None:
        """Raises ValueError as `trust`."""
        self._app = app
        self._trusted = trust(listed)
        self._hops = 1 if EVERYBODY in listed else 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] in ("http", "websocket"):
            self._resolve(scope)
        await self._app(scope, receive, send)

    def _resolve(self, scope: Scope) -> None:
        peer = scope["client"]
        if peer is None or not self._trusted(peer[0]):
            return
        written = _values(scope, b"x-forwarded-for")
        found = peer[0]
        for entry in list(reversed(written))[: self._hops]:
            address = _without_port(entry)
            if _ip(address) is None:
                break
            found = address
            if not self._trusted(found):
                break
        if found != peer[0]:
            scope["client"] = (found, 0)
        schemes = _values(scope, b"x-forwarded-proto")
        if schemes and schemes[-1] in ("http", "https"):
            scope["scheme"] = schemes[-1]


def _values(scope: Scope, wanted: bytes) -> list[str]:
    """What a header lists, over all its lines."""
    return [
        entry.strip()
        for name, value in scope["headers"]
        if name == wanted
        for entry in value.decode("latin-1").split(",")
        if entry.strip()
    ]


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    host, colon, port = entry.partition(":")
    return host if colon and port.isdigit() else entry


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
