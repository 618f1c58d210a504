"""The client's address behind trusted proxies."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

EVERYBODY = "*"


def trust(listed: str) -> Callable[[str], bool]:
    """A predicate for addresses in a comma-separated list of addresses and networks.

    ``*`` trusts every address. Raises `ValueError` that quotes an invalid entry.
    """
    entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
    everybody = EVERYBODY in entries
    networks = [ipaddress.ip_network(e, strict=False) for e in entries if e != EVERYBODY]

    @lru_cache(maxsize=4096)
    def trusted(address: str) -> bool:
        if everybody:
            return True
        ip = _ip(address)
        return ip is not None and any(ip in network for network in networks)

    return trusted


class ClientAddress:
    """ASGI middleware that sets `scope["client"]` and `scope["scheme"]` to the client's own.

    It reads `X-Forwarded-For` from the end, where the nearest proxy has written, as long as the
    writer of an entry is trusted. Entries that a client made up come earlier and are never reached.
    If every address is trusted (``*``), only the nearest proxy's entry counts. The headers of an
    untrusted peer are ignored.
    """

    def __init__(self, app: ASGIApp, listed: str) -> None:
        """Raises the `ValueError` of `trust`."""
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
        client = peer[0]
        for entry in list(reversed(written))[: self._hops]:
            address = _without_port(entry)
            if _ip(address) is None:
                break
            client = address
            if not self._trusted(client):
                break
        if client != peer[0]:
            scope["client"] = (client, 0)
        schemes = _values(scope, b"x-forwarded-proto")
        if schemes and schemes[-1] in ("http", "https"):
            scope["scheme"] = schemes[-1]


def _values(scope: Scope, header: bytes) -> list[str]:
    """The entries of a header, over all its lines."""
    return [
        entry.strip()
        for name, value in scope["headers"]
        if name == header
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
