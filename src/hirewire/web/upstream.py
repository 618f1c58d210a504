"""Connections to one service: HTTP/1.1 by h11 over asyncio, kept open and used again.

A pool that asks every idle connection on every request costs more than the request itself; this
one takes the connection used last, and learns of a closed one from the event loop.
"""

import asyncio
import ssl
import time
from collections import deque
from typing import cast
from urllib.parse import urlsplit

import h11

from hirewire.web.headers import authority

CONNECT_SECONDS = 2.0
REFUSED_PAUSE = 0.1
IDLE_SECONDS = 30.0
"""Less than the services keep an idle connection open."""
MOST_CONNECTIONS = 500
UNREAD_HIGH = 256 * 1024
LARGEST_HEAD = 64 * 1024

Part = h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage


class Away(Exception):
    """The service cannot be reached; nothing was sent."""


class Busy(Exception):
    """All connections to the service are in use; nothing was sent."""


class BrokeOff(Exception):
    """The service closed the connection, or said what is not HTTP, before its answer ended."""


class Connection(asyncio.Protocol):
    """One connection: parts of a request go in, parts of an answer come out."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._unread = 0
        self._lost = False
        self._failure: Exception | None = None
        self.silent = True
        """Whether nothing has come since the last request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: something came."""
        self.silent = False
        self._http.receive_data(data)
        self._unread += len(data)
        if self._unread > UNREAD_HIGH and self._transport is not None:
            self._transport.pause_reading()
        _wake(self._news)

    def eof_received(self) -> None:
        """asyncio: nothing more will come; for some answers that is their proper end."""
        self._http.receive_data(b"")
        self._lost = True
        _wake(self._news)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is closed."""
        self._lost = True
        _wake(self._news)
        _wake(self._room)

    def pause_writing(self) -> None:
        """asyncio: the service does not keep up."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """asyncio: the service has caught up."""
        self._writing_paused = False
        _wake(self._room)

    async def send(self, *parts: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        """Send; waits while the service does not keep up. Raises `BrokeOff`."""
        if self._transport is None or self._lost or self._transport.is_closing():
            raise BrokeOff
        try:
            data = b"".join([self._http.send(part) or b"" for part in parts])
        except h11.LocalProtocolError as error:
            raise BrokeOff from error
        self._transport.write(data)
        while self._writing_paused and not self._lost:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
            self._room = None
        if self._lost:
            raise BrokeOff

    def part_now(self) -> Part | None:
        """The next part of the answer if it is here. Raises `BrokeOff`, or what `fail` was told."""
        if self._failure is not None:
            raise self._failure
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise BrokeOff from error
        if event is h11.NEED_DATA:
            if self._lost:
                raise BrokeOff
            self._read_on()
            return None
        if isinstance(event, Part):
            return event
        raise BrokeOff

    def _read_on(self) -> None:
        paused, self._unread = self._unread > UNREAD_HIGH, 0
        if paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def part(self) -> Part:
        """The next part of the answer. Raises as `part_now`."""
        while (found := self.part_now()) is None:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
            self._news = None
        return found

    def fail(self, error: Exception) -> None:
        """Close at once; whoever waits for a part gets this error."""
        if self._failure is None:
            self._failure = error
        self.abort()
        _wake(self._news)

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def open(self) -> bool:
        """Whether another request can be sent over it."""
        if self._transport is None or self._transport.is_closing():
            return False
        unasked = self._http.trailing_data[0]
        return not (self._lost or unasked)

    def renew(self) -> bool:
        """Make ready for the next request; False if this connection cannot take one."""
        states = self._http.our_state, self._http.their_state
        if states != (h11.DONE, h11.DONE) or self._failure is not None or not self.open:
            return False
        self._http.start_next_cycle()
        self._unread = 0
        self.silent = True
        return True


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


class Upstream:
    """One service, as the proxy reaches it."""

    def __init__(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        self.name = name
        self.base = f"{parts.scheme}://{authority(url)}".encode()
        self.host = authority(url).encode()
        self.prefix = parts.path.encode()
        self._address = parts.hostname or "127.0.0.1", parts.port or (443 if tls else 80)
        self._tls = ssl.create_default_context() if tls else None
        self._idle: deque[tuple[float, Connection]] = deque()
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)

    async def enter(self) -> None:
        """Take one of the places for connections. Raises `Busy` when none gets free in time."""
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise Busy from None

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()

    def take(self) -> Connection | None:
        """The connection that was used last, if it is still open."""
        moment = time.monotonic()
        while self._idle:
            since, connection = self._idle.pop()
            if connection.open and since > moment - IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection for the next request, or close it if it cannot take one."""
        moment = time.monotonic()
        while self._idle and self._idle[0][0] < moment - IDLE_SECONDS:
            self._idle.popleft()[1].abort()
        if connection.renew():
            self._idle.append((moment, connection))
        else:
            connection.abort()

    async def connect(self) -> Connection:
        """A new connection; one refusal is forgiven. Raises `Away`."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                try:
                    return await self._open()
                except ConnectionRefusedError:
                    await asyncio.sleep(REFUSED_PAUSE)
                    return await self._open()
        except (OSError, TimeoutError) as error:
            raise Away from error

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        host, port = self._address
        _, connection = await loop.create_connection(Connection, host, port, ssl=self._tls)
        return connection

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop()[1].abort()
