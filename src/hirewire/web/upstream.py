"""A service as an upstream of the gateway: an aiohttp connection pool, and a liveness check.

aiohttp is configured to forward requests unchanged: it stores no cookies, decompresses nothing,
follows no redirects and adds no headers.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import structlog
from multidict import CIMultiDict
from yarl import URL

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 2.0
PLACE_SECONDS = 2.0
"""Seconds that a request waits for a slot among the service's requests in progress."""
IDLE_SECONDS = 30.0
"""Seconds; less than the time for which the services keep idle connections open."""
MOST_REQUESTS = 500
LARGEST_HEAD = 64 * 1024
READ_BYTES = 64 * 1024
SILENCE_SECONDS = 1.5
"""Seconds that a service with requests in progress may be silent before it is probed."""
PROBE_SECONDS = 1.0
PROBE_PAUSE_SECONDS = 0.5
OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp would add."""


class Away(Exception):
    """The service is unreachable or silent; nothing was sent."""


class Busy(Exception):
    """The service has its maximum of requests in progress; nothing was sent."""


class BrokeOff(Exception):
    """The service closed the connection, or sent invalid HTTP, before its answer was complete."""


class Silent(Exception):
    """The service is silent; it may have acted on the request."""


class Reach:
    """Tracks whether a service answers.

    A service with requests in progress that sends nothing is probed at ``/health/live``. While the
    probe fails too, no requests are sent to the service, and waiting ones fail. A service that is
    merely slow answers the probe and keeps its time limit.
    """

    def __init__(self, name: str, probe: Callable[[], Awaitable[bool]]) -> None:
        """`probe` is called to find out whether the service is alive."""
        self._name = name
        self._probe = probe
        self._waiting: set[asyncio.Timeout] = set()
        self._silent = False
        self._watch: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_silent(self) -> bool:
        """Whether the service is silent."""
        return self._silent

    def begin(self, limit: asyncio.Timeout) -> None:
        """Register a waiting request; its `limit` expires when the service falls silent."""
        if not self._waiting:
            self._since = asyncio.get_running_loop().time()
        if self._watch is None:
            self._look_after(SILENCE_SECONDS)
        self._waiting.add(limit)

    def end(self, limit: asyncio.Timeout) -> None:
        """Unregister a request."""
        self._waiting.discard(limit)

    def answered(self) -> None:
        """Record a sign of life."""
        self._since = asyncio.get_running_loop().time()
        self._silent = False

    async def close(self) -> None:
        """Stop probing."""
        if self._watch is not None:
            self._watch.cancel()
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})

    def _look_after(self, seconds: float) -> None:
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._waiting:  # the next waiting request starts the probes again
            return
        quiet = asyncio.get_running_loop().time() - self._since
        if quiet < SILENCE_SECONDS:
            self._look_after(SILENCE_SECONDS - quiet)
        elif self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe_until_it_answers())

    async def _probe_until_it_answers(self) -> None:
        while not await self._probe():
            if not self._silent:
                log.warning("service does not respond", service=self._name)
            self._silent = True
            now = asyncio.get_running_loop().time()
            for limit in tuple(self._waiting):
                if not limit.expired():
                    limit.reschedule(now)
            await asyncio.sleep(PROBE_PAUSE_SECONDS)
        if self._silent:
            log.info("service responds again", service=self._name)
        self.answered()
        if self._waiting and self._watch is None:
            self._look_after(SILENCE_SECONDS)


class Upstream:
    """A service."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.reach = Reach(name, self._is_alive)
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._origin = f"{parts.scheme}://{_authority(url)}"
        self.base = f"{parts.scheme}://{_authority(url)}".encode()
        self.host = _authority(url)
        self.prefix = parts.path.rstrip("/")
        self._places = asyncio.Semaphore(MOST_REQUESTS)
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session, created on first use because it belongs to the running event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=OWN_HEADERS,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                trust_env=False,
                read_bufsize=READ_BYTES,
                max_line_size=LARGEST_HEAD,
                max_field_size=LARGEST_HEAD,
            )
        return self._session

    async def enter(self) -> None:
        """Take a slot among the requests in progress. Raises `Busy` if none is free in time."""
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(PLACE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise Busy from None

    def leave(self) -> None:
        """Release the slot."""
        self._places.release()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a slot while the block runs. Raises `Busy`."""
        await self.enter()
        try:
            yield
        finally:
            self.leave()

    async def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | AsyncIterable[bytes] | None,
        limit: asyncio.Timeout,
    ) -> aiohttp.ClientResponse:
        """Send a request; returns the answer once its head has arrived. The caller releases it.

        `target` is sent unchanged. `limit` expires if the service is silent. Raises `Away` and
        `BrokeOff`.
        """
        if self.reach.is_silent:
            raise Away
        self.reach.begin(limit)
        try:
            answer = await self.session.request(
                method,
                URL(self._origin + target, encoded=True),
                headers=CIMultiDict(headers),
                data=body,
                allow_redirects=False,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Away from error
        except aiohttp.ClientError as error:
            raise BrokeOff from error
        finally:
            self.reach.end(limit)
        self.reach.answered()
        return answer

    async def _is_alive(self) -> bool:
        """Whether the service answers at ``/health/live``."""
        try:
            async with self.session.get(
                f"{self.url}/health/live", timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS)
            ) as answer:
                await answer.read()
                return True
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close all connections."""
        await self.reach.close()
        if self._session is not None:
            await self._session.close()
            self._session = None


def _authority(url: str) -> str:
    """The `host[:port]` of an address, without user name and password."""
    return urlsplit(url).netloc.rpartition("@")[2]
