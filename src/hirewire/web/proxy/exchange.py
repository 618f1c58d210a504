"""Streams a request to a service, and the answer back to the client.

The gateway reads a body before it connects to the service, so that a slow client does not occupy a
connection. Of a body larger than `WHOLE`, only that beginning is read before; the rest is streamed.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from starlette.types import Message, Receive, Scope, Send

from hirewire.kit.middleware import drain
from hirewire.web.proxy.headers import Headers, answer_headers
from hirewire.web.upstream import BrokeOff, Silent, Upstream

HEAD_SECONDS = 30.0
BODY_IDLE_SECONDS = 60.0
WATCH_AFTER_SECONDS = 0.05
WHOLE = 64 * 1024
"""The number of bytes of a body that are read before it is forwarded."""
SLOWEST = 16 * 1024
"""The lowest average rate of a body, in bytes per second after its first half minute."""
PATIENCE_SECONDS = 30.0
MOST_BODY = 8 * 1024 * 1024 + 64 * 1024
"""The maximum size of a body in bytes: that of the services, plus a margin for which the service
itself answers 413.
"""
MOST_BODIES = 1_000
"""The maximum number of bodies in progress."""
MOST_BODIES_EACH = 50
"""The maximum number of bodies in progress from one address."""


class ServiceSlow(Exception):
    """The service did not answer, or stopped sending, within the time limit."""


class ClientSlow(Exception):
    """The client stopped sending for too long."""


class ClientGone(Exception):
    """The client closed the connection."""


class BodyTooLarge(Exception):
    """The body is larger than any service accepts."""


class TooManyBodies(Exception):
    """Too many bodies are in progress, from this address or in total."""


class Bodies:
    """Counts the bodies in progress by client address."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()

    @contextmanager
    def one_of(self, address: str) -> Iterator[None]:
        """Count one more body while the block runs. Raises `TooManyBodies`."""
        if self._by_address.total() >= MOST_BODIES or self._by_address[address] >= MOST_BODIES_EACH:
            raise TooManyBodies
        self._by_address[address] += 1
        try:
            yield
        finally:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]


@dataclass(slots=True)
class Exchange:
    """A request in progress; `run` forwards it and its answer.

    While `started` is False, the client has received no part of an answer, so errors that `run`
    raises can still be answered.
    """

    scope: Scope
    receive: Receive
    send: Send
    upstream: Upstream
    target: str
    headers: Sequence[tuple[str, str]]
    """The headers to send, except the length of the body."""
    bodies: Bodies
    started: bool = False
    status: int = 0
    _length: int | None = field(init=False)
    """The length of the body in bytes; None if it is not announced."""
    _limit: asyncio.Timeout = field(init=False)
    _why: Exception | None = None
    _failed: bool = False
    _body_has_come: bool = False
    _watch: asyncio.TimerHandle | None = None
    _watching: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        given = dict(self.scope["headers"])
        chunked = b"transfer-encoding" in given
        self._length = None if chunked else int(given.get(b"content-length", b"0"))
        self._limit = asyncio.timeout(None)

    async def run(self) -> None:
        """Forward the request and its answer.

        Raises `Away`, `Busy`, `BrokeOff`, `Silent`, `ServiceSlow`, `ClientSlow`, `ClientGone`,
        `BodyTooLarge` and `TooManyBodies`. The connection is then closed, so that the service can
        stop working on the request.
        """
        if self._length is not None and self._length > MOST_BODY:
            raise BodyTooLarge
        try:
            async with self._limit:
                await self._run()
        except TimeoutError as error:
            if not self._limit.expired():
                raise
            raise self._why or self._slow() from error
        finally:
            self._stop_watching()

    def _slow(self) -> Exception:
        return Silent() if self.upstream.reach.is_silent else ServiceSlow()

    async def _run(self) -> None:
        if self._length == 0:
            self._body_has_come = True
            await self._exchange(None)
            return
        client = self.scope["client"]
        with self.bodies.one_of(client[0] if client else ""):
            first, more = await self._beginning()
            if more:
                await self._exchange(self._rest(first))
                return
        await self._exchange(first)

    async def _beginning(self) -> tuple[bytes, bool]:
        """The whole body, or its first part and whether more follows."""
        parts, size, more = [], 0, True
        self._allow(PATIENCE_SECONDS, ClientSlow())
        while more and size <= WHOLE:
            chunk, more = await self._next()
            parts.append(chunk)
            size += len(chunk)
        self._allow(None)
        return b"".join(parts), more

    async def _rest(self, first: bytes) -> AsyncIterator[bytes]:
        """Stream the rest of the body. An error while reading it ends the whole exchange."""
        loop = asyncio.get_running_loop()
        began, size, chunk, more = loop.time(), len(first), first, True
        try:
            yield chunk
            while more:
                latest = began + PATIENCE_SECONDS + size / SLOWEST
                async with asyncio.timeout_at(min(latest, loop.time() + BODY_IDLE_SECONDS)):
                    chunk, more = await self._next()
                size += len(chunk)
                if size > MOST_BODY:
                    raise BodyTooLarge
                if chunk:
                    yield chunk
        except (ClientGone, BodyTooLarge) as error:
            self._fail(error)
            raise
        except TimeoutError:
            self._fail(ClientSlow())
            raise
        if not self.started:
            self._allow(HEAD_SECONDS)
        self._begin_watching()

    async def _next(self) -> tuple[bytes, bool]:
        message: Message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        more: bool = message.get("more_body", False)
        self._body_has_come = not more
        return message.get("body", b""), more

    async def _exchange(self, body: bytes | AsyncIterator[bytes] | None) -> None:
        length = len(body) if isinstance(body, bytes) else self._length
        headers = self.headers
        if length is not None and (body is not None or self.scope["method"] not in ("GET", "HEAD")):
            headers = [*headers, ("content-length", str(length))]
        if body is None or isinstance(body, bytes):
            self._allow(HEAD_SECONDS)
            loop = asyncio.get_running_loop()
            self._watch = loop.call_later(WATCH_AFTER_SECONDS, self._begin_watching)
        await self.upstream.enter()
        try:
            answer = await self.upstream.ask(
                self.scope["method"], self.target, headers, body, self._limit
            )
            try:
                await self._pass_back(answer)
            except aiohttp.ClientError as error:
                raise BrokeOff from error
            finally:
                answer.release() if answer.content.at_eof() else answer.close()
        finally:
            self.upstream.leave()

    def _begin_watching(self) -> None:
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch_client())

    async def _watch_client(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self._fail(ClientGone())

    async def _pass_back(self, answer: aiohttp.ClientResponse) -> None:
        raw = [(name.lower(), value) for name, value in answer.raw_headers]
        headers = answer_headers(raw, base=self.upstream.base)
        self.status, self.started = answer.status, True
        content, more = answer.content, True
        whole = content.is_eof()
        idle = None if whole or _is_stream(headers) else BODY_IDLE_SECONDS
        self._allow(idle)
        await self.send(
            {"type": "http.response.start", "status": answer.status, "headers": headers}
        )
        while more:
            chunk = await content.readany()
            more = not content.at_eof()
            if not whole:
                self._allow(None)  # a slow client is not the service's fault
            if not more:
                self._stop_watching()
                if not self._body_has_come:
                    answer.close()
                    await self.drain()
            await self.send({"type": "http.response.body", "body": chunk, "more_body": more})
            if more:
                self._allow(idle)

    def _allow(self, seconds: float | None, why: Exception | None = None) -> None:
        """Set a time limit until the next call; `why` is the error to raise when it expires."""
        if self._failed or self._limit.expired():
            return
        self._why = why
        loop = asyncio.get_running_loop()
        self._limit.reschedule(None if seconds is None else loop.time() + seconds)

    def _fail(self, error: Exception) -> None:
        """End the exchange with this error."""
        if not self._failed and not self._limit.expired():
            self._why, self._failed = error, True
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def drain(self) -> None:
        """Read and discard the rest of the body for a limited time."""
        if not self._body_has_come:
            await drain(self.scope, self.receive)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._watching is not None:
            self._watching.cancel()


def _is_stream(headers: Headers) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in headers
    )
