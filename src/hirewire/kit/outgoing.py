"""An HTTP client for addresses that users name: it reaches public servers only.

A user could name an address inside our network (server-side request forgery). So a host is resolved
once, its addresses are checked, and the connection is made to one of these: no second resolution
could answer otherwise (DNS rebinding). Redirects are not followed. Answers are read up to a limit
of bytes and of time. Nothing of the environment counts: no proxies, no `.netrc`.
"""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from hirewire import __version__
from hirewire.kit.reach import Failed, Reach, Refused, parsed_address

__all__ = [
    "Answer",
    "Broken",
    "Failed",
    "Limits",
    "Lookup",
    "NotFound",
    "Outgoing",
    "Refused",
    "TimedOut",
    "Unreachable",
    "Untrusted",
]

Lookup: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host name. Raises `OSError`."""

AT_ONCE = 64
"""Host names that a process looks up at the same time: a slow name server holds a thread each."""
KEPT_HEADERS = frozenset({"content-type", "date", "location", "retry-after", "server"})
LONGEST_HEADER = 300


class NotFound(Failed):
    """The host name has no address, or the name server does not answer."""

    code = "host_not_found"


class Unreachable(Failed):
    """No connection could be made."""

    code = "unreachable"


class Untrusted(Failed):
    """TLS failed: a certificate that is not valid for this host, or no common protocol."""

    code = "tls_failed"


class TimedOut(Failed):
    """The answer did not begin in time."""

    code = "timed_out"


class Broken(Failed):
    """The connection ended before the answer, or the answer was no HTTP."""

    code = "broken_answer"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take."""

    connect: float = 5.0
    """Seconds until a connection with TLS is made, with the look-up of the host."""
    answer: float = 15.0
    """Seconds until the answer's head is there."""
    body: float = 3.0
    """Seconds after that for its body. What is late is cut off."""
    bytes: int = 16 * 1024
    """Bytes of the body that are read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    """Some of them, by lower-case name."""
    body: bytes
    """Its beginning."""
    is_cut: bool
    """Whether there was more of the body, or it was broken off."""
    seconds: float

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced, and NUL too, which no column stores."""
        return self.body.decode(errors="replace").replace("\x00", "�")


@dataclass(slots=True)
class _Lookups:
    """Host names that are looked up, each by one thread of its own.

    The threads of the event loop are few, and a name server that does not answer would hold them.
    """

    running: dict[str, asyncio.Future[Sequence[str]]] = field(default_factory=dict)
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def __call__(self, host: str) -> Sequence[str]:
        found = self.running.get(host)
        if found is None:
            found = self.running[host] = asyncio.get_running_loop().create_future()
            found.add_done_callback(_retrieve)
            task = asyncio.create_task(self._look_up(host, found))
            task.add_done_callback(lambda _: self.running.pop(host, None))
        return await asyncio.shield(found)

    async def _look_up(self, host: str, found: asyncio.Future[Sequence[str]]) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def look_up() -> None:
            result: Sequence[str] | OSError
            try:
                rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                result = list(dict.fromkeys(str(row[4][0]) for row in rows))
            except (OSError, UnicodeError) as error:
                result = error if isinstance(error, OSError) else OSError("not a host name")
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(done, result)

        def done(result: Sequence[str] | OSError) -> None:
            ended.set()
            if found.done():
                return
            if isinstance(result, OSError):
                found.set_exception(result)
            else:
                found.set_result(result)

        async with self.free:
            threading.Thread(target=look_up, name="host look-up", daemon=True).start()
            await ended.wait()


def _retrieve(found: asyncio.Future[Sequence[str]]) -> None:
    """Nobody may be waiting for it any more: then its error is not worth a warning."""
    if not found.cancelled():
        found.exception()


class _Resolver(AbstractResolver):
    """Gives aiohttp the addresses of one request's host, if it may be connected to."""

    def __init__(self, lookup: Lookup, scheme: str, reach: Reach) -> None:
        self._lookup, self._scheme, self._reach = lookup, scheme, reach

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises `NotFound`, and `Refused` if one of the addresses may not be connected to."""
        try:
            texts = await self._lookup(host)
        except OSError:
            raise NotFound(f"{host} was not found") from None
        found: list[ResolveResult] = []
        for text in texts:
            address = parsed_address(text)
            if address is None:
                raise Refused("address_refused", "the host has an address with a zone")
            self._reach.check(address, self._scheme)
            found.append(
                ResolveResult(
                    hostname=host,
                    host=text,
                    port=port,
                    family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                    proto=0,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        if not found:
            raise NotFound(f"{host} was not found")
        return found

    async def close(self) -> None:
        """Nothing is open."""


class Outgoing:
    """The client. One for each process: ``await client.send("POST", url, body=…)``."""

    def __init__(
        self,
        networks: str | None = None,
        *,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`networks` are our own that may be reached, also by http: `HIREWIRE_OUTGOING_NETWORKS`.

        `lookup` and `tls` replace the name servers and the certificate authorities of the machine.
        """
        self.reach = Reach(networks)
        self._lookup = lookup or _Lookups()
        self._tls = tls

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limits: Limits = Limits(),
    ) -> Answer:
        """Send a request and read the answer, whatever its status. Raises `Failed`."""
        target = self.reach.parsed(url)
        begun = time.monotonic()
        connector = self._connector(target)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": f"Hirewire/{__version__}", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect),
        )
        try:
            async with session:
                return await _exchange(session, method, target, headers or {}, body, limits, begun)
        except Failed:
            raise
        except TimeoutError:
            raise TimedOut("no answer in time") from None
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise Untrusted(_of_tls(error)) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError) as error:
            raise Unreachable(f"no connection: {_reason(error)}") from None
        except (aiohttp.ClientError, ConnectionError, ValueError) as error:
            raise Broken(f"no answer: {type(error).__name__}") from None

    def _connector(self, target: URL) -> aiohttp.TCPConnector:
        """A connector for one connection, which can be made to checked addresses only."""

        def opened(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, place = info
            if (address := parsed_address(place[0])) is None:
                raise Refused("address_refused", "no address")
            self.reach.check(address, target.scheme)
            return socket.socket(family, kind, protocol)

        return aiohttp.TCPConnector(
            resolver=_Resolver(self._lookup, target.scheme, self.reach),
            use_dns_cache=False,
            force_close=True,
            limit=1,
            ssl=self._tls or _authorities(),
            socket_factory=opened,
        )


async def _exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    body: bytes,
    limits: Limits,
    begun: float,
) -> Answer:
    async with asyncio.timeout(limits.answer):
        response = await session.request(
            method, url, headers=headers, data=body or None, allow_redirects=False
        )
    try:
        content, is_cut = await _beginning(response, limits)
    finally:
        response.close()
    kept = {
        name: value[:LONGEST_HEADER]
        for name, value in ((n.lower(), v) for n, v in response.headers.items())
        if name in KEPT_HEADERS
    }
    return Answer(response.status, kept, content, is_cut, time.monotonic() - begun)


async def _beginning(response: aiohttp.ClientResponse, limits: Limits) -> tuple[bytes, bool]:
    """The beginning of the body, and whether there was more. The status counts, come what may."""
    content = bytearray()
    try:
        async with asyncio.timeout(limits.body):
            while len(content) <= limits.bytes:
                part = await response.content.read(limits.bytes + 1 - len(content))
                if not part:
                    return bytes(content), False
                content += part
    except (TimeoutError, aiohttp.ClientError, ConnectionError):
        pass
    return bytes(content[: limits.bytes]), True


@cache
def _authorities() -> ssl.SSLContext:
    """The certificate authorities: loading them takes longer than a request."""
    return httpx.create_ssl_context()


def _of_tls(error: Exception) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    reason = getattr(inner, "verify_message", None) or getattr(inner, "reason", None)
    return f"TLS failed: {reason or type(inner).__name__}"[:300]


def _reason(error: aiohttp.ClientConnectorError) -> str:
    code = error.os_error.errno
    return type(error.os_error).__name__ if code is None else f"error {code}"
