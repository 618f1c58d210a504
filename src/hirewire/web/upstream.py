"""One service as this front reaches it: a pool of connections by aiohttp, and whether it answers.

aiohttp is asked to pass on what it is given: it keeps no cookies, unpacks nothing, follows no
redirect and adds no header of its own.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import structlog
from multidict import CIMultiDict
from yarl import URL

from hirewire.web.headers import authority

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 2.0
PLACE_SECONDS = 2.0
"""How long a request waits for a place among those that a service has under way."""
IDLE_SECONDS = 30.0
"""Less than the services keep an idle connection open."""
MOST_REQUESTS = 500
LARGEST_HEAD = 64 * 1024
READ_BYTES = 64 * 1024
SILENCE_SECONDS = 1.5
"""How long a service with something to do may answer nothing at all before it is asked whether it
lives."""
PROBE_SECONDS = 1.0
PROBE_PAUSE_SECONDS = 0.5
OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp would add."""


class Away(Exception):
    """The service cannot be reached, or answers nothing at all; nothing was sent."""


class Busy(Exception):
    """The service has all under way that it may have; nothing was sent."""


class BrokeOff(Exception):
    """The service closed the connection, or said what is not HTTP, before its answer ended."""


class Silent(Exception):
    """The service answers nothing at all: it may have acted on this."""


class Reach:
    """Whether a service answers. One that has something to do and says nothing at all is asked at
    ``/health/live``; while it does not answer that either, nothing is sent to it, and who waits
    for it is told.

    A service that is slow answers the probe, and is left to its own time.
    """

    def __init__(self, name: str, probe: Callable[[], Awaitable[bool]]) -> None:
        """`probe` asks the service itself whether it lives."""
        self._name = name
        self._probe = probe
        self._waiting: set[asyncio.Timeout] = set()
        self._silent = False
        self._watch: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it answers nothing."""
        return self._silent

    def begin(self, limit: asyncio.Timeout) -> None:
        """An answer is waited for until `limit`, which ends at once if the service falls silent."""
        if not self._waiting:
            self._since = asyncio.get_running_loop().time()
        if self._watch is None:
            self._look_after(SILENCE_SECONDS)
        self._waiting.add(limit)

    def end(self, limit: asyncio.Timeout) -> None:
        """It is not waited for any more."""
        self._waiting.discard(limit)

    def answered(self) -> None:
        """It has said something."""
        self._since = asyncio.get_running_loop().time()
        self._silent = False

    async def close(self) -> None:
        """Look no more."""
        if self._watch is not None:
            self._watch.cancel()
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})

    def _look_after(self, seconds: float) -> None:
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._waiting:  # the next one to wait begins to look again
            return
        quiet = asyncio.get_running_loop().time() - self._since
        if quiet < SILENCE_SECONDS:
            self._look_after(SILENCE_SECONDS - quiet)
        elif self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe_until_it_answers())

    async def _probe_until_it_answers(self) -> None:
        while not await self._probe():
            if not self._silent:
                log.warning("service answers nothing", service=self._name)
            self._silent = True
            now = asyncio.get_running_loop().time()
            for limit in tuple(self._waiting):
                if not limit.expired():
                    limit.reschedule(now)
            await asyncio.sleep(PROBE_PAUSE_SECONDS)
        if self._silent:
            log.info("service answers again", service=self._name)
        self.answered()
        if self._waiting and self._watch is None:
            self._look_after(SILENCE_SECONDS)


class Upstream:
    """One service."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.reach = Reach(name, self._is_alive)
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._origin = f"{parts.scheme}://{authority(url)}"
        self.base = f"{parts.scheme}://{authority(url)}".encode()
        self.host = authority(url)
        self.prefix = parts.path.rstrip("/")
        self._places = asyncio.Semaphore(MOST_REQUESTS)
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made at its first use, since it belongs to the loop that is running then."""
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
        """Take a place among the requests under way. Raises `Busy` when none gets free in time."""
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(PLACE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise Busy from None

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for as long as the block lasts. Raises `Busy`."""
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
        """Send a request; its answer once the head is here, to be released by the caller.

        `target` goes to the service as it is. A service that is silent ends `limit`. Raises
        `Away` and `BrokeOff`.
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
        """Whether it answers at ``/health/live``."""
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
