"""One request and its answer, passed between a client and a service as they come."""

import asyncio
from dataclasses import dataclass, field

import h11
from starlette.types import Message, Receive, Scope, Send

from hirewire.web.headers import Headers, answer_headers
from hirewire.web.upstream import BrokeOff, Connection, Upstream

HEAD_SECONDS = 30.0
BODY_IDLE_SECONDS = 60.0
CONTINUE_SECONDS = 1.0
WATCH_AFTER_SECONDS = 0.05
MOST_BODY = 8 * 1024 * 1024 + 64 * 1024
"""The largest body that a service takes, and something for it to say its own 413 about."""
LARGE_BODY = 64 * 1024
"""From here on the service is asked whether it wants the body before it is sent."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


class ServiceSlow(Exception):
    """The service did not answer, or did not go on, in time."""


class ClientSlow(Exception):
    """The client did not go on sending in time."""


class ClientGone(Exception):
    """The client closed the connection."""


class BodyTooLarge(Exception):
    """The body is larger than any service takes."""


@dataclass(slots=True)
class Exchange:
    """A request on its way. `run` passes it on and the answer back.

    Until `started` nothing of an answer has been sent, so whatever `run` raises can still be told.
    """

    scope: Scope
    receive: Receive
    send: Send
    upstream: Upstream
    request: h11.Request
    started: bool = False
    status: int = 0
    _body: bool = field(init=False)
    _length: int = field(init=False)
    _awaited: bool = field(init=False)
    _connection: Connection | None = None
    _pump: asyncio.Task[None] | None = None
    _watch: asyncio.TimerHandle | None = None
    _limit: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        names = dict(self.scope["headers"])
        self._length = int(names.get(b"content-length", b"0"))
        self._body = self._length > 0 or b"transfer-encoding" in names
        self._awaited = self._length > LARGE_BODY and b"transfer-encoding" not in names

    async def run(self) -> None:
        """Pass the request on and its answer back.

        Raises `Away`, `Busy`, `BrokeOff`, `ServiceSlow`, `ClientSlow`, `ClientGone`,
        `BodyTooLarge`; the connection is closed then, so that the service can stop working on it.
        """
        if self._length > MOST_BODY:
            raise BodyTooLarge
        await self.upstream.enter()
        try:
            connection, head = await self._ask()
            await self._pass_back(connection, head)
        finally:
            self._end()
            self.upstream.leave()

    async def _ask(self) -> tuple[Connection, h11.Response]:
        used = self.upstream.take()
        connection = used or await self.upstream.connect()
        try:
            return connection, await self._head(connection)
        except BrokeOff:
            repeatable = not self._body and self.scope["method"] in REPEATABLE
            if used is None or not connection.silent or not repeatable:
                raise
            self._end()  # it was closed while it was idle: nobody has seen the request
            connection = await self.upstream.connect()
            return connection, await self._head(connection)

    async def _head(self, connection: Connection) -> h11.Response:
        self._connection = connection
        if self._body:
            await connection.send(self.request)
            early = await self._invited(connection) if self._awaited else None
            if early is not None:
                return early
            self._pump = asyncio.create_task(self._pass_body(connection))
        else:
            await connection.send(self.request, h11.EndOfMessage())
            self._allow(HEAD_SECONDS)
            loop = asyncio.get_running_loop()
            self._watch = loop.call_later(WATCH_AFTER_SECONDS, self._begin_watching)
        return await self._final_head(connection)

    async def _final_head(self, connection: Connection) -> h11.Response:
        while True:
            part = await connection.part()
            if isinstance(part, h11.Response):
                return part

    async def _invited(self, connection: Connection) -> h11.Response | None:
        """Wait until the service wants the body; its answer if it does not want it."""
        try:
            async with asyncio.timeout(CONTINUE_SECONDS):
                part = await connection.part()
        except TimeoutError:
            return None
        return part if isinstance(part, h11.Response) else None

    async def _pass_body(self, connection: Connection) -> None:
        try:
            await self._send_body(connection)
            if not self.started:
                self._allow(HEAD_SECONDS)
            await self._wait_gone()
            connection.fail(ClientGone())
        except (ClientSlow, ClientGone, BodyTooLarge, ServiceSlow) as error:
            connection.fail(error)
        except BrokeOff:
            pass  # what the service said before it closed is still read

    async def _send_body(self, connection: Connection) -> None:
        size, more = 0, True
        while more:
            message = await self._next_body()
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(chunk)
            if size > MOST_BODY:
                raise BodyTooLarge
            try:
                async with asyncio.timeout(BODY_IDLE_SECONDS):
                    await connection.send(*_parts(chunk, more))
            except TimeoutError:
                raise ServiceSlow from None

    async def _next_body(self) -> Message:
        try:
            async with asyncio.timeout(BODY_IDLE_SECONDS):
                message = await self.receive()
        except TimeoutError:
            raise ClientSlow from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    def _begin_watching(self) -> None:
        self._pump = asyncio.create_task(self._watch_client())

    async def _watch_client(self) -> None:
        await self._wait_gone()
        if self._connection is not None:
            self._connection.fail(ClientGone())

    async def _wait_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _pass_back(self, connection: Connection, head: h11.Response) -> None:
        headers: Headers = answer_headers(head.headers, base=self.upstream.base)
        idle = None if _is_stream(headers) else BODY_IDLE_SECONDS
        self._allow(idle)
        self.status, self.started = head.status_code, True
        await self.send(
            {"type": "http.response.start", "status": head.status_code, "headers": headers}
        )
        held = b""
        while True:
            part = connection.part_now()
            if part is None:
                if held:
                    await self._send_on(held, idle)
                    held = b""
                part = await connection.part()
            if isinstance(part, h11.EndOfMessage):
                break
            if isinstance(part, h11.Data):
                if held:
                    await self._send_on(held, idle)
                held = bytes(part.data)
        self._end()
        await self.send({"type": "http.response.body", "body": held})

    async def _send_on(self, chunk: bytes, idle: float | None) -> None:
        self._allow(None)  # a client that reads slowly is not the service's fault
        await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._allow(idle)

    def _allow(self, seconds: float | None) -> None:
        """From now on, the service has so much time to say something."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        if seconds is not None and self._connection is not None:
            loop = asyncio.get_running_loop()
            self._limit = loop.call_later(seconds, self._connection.fail, ServiceSlow())

    def _end(self) -> None:
        """Stop all that is under way; the connection is kept if both sides have said all."""
        self._allow(None)
        if self._watch is not None:
            self._watch.cancel()
        if self._pump is not None:
            self._pump.cancel()
        if self._connection is not None:
            self.upstream.give(self._connection)
        self._connection = self._pump = self._watch = None


def _parts(chunk: bytes, more: bool) -> list[h11.Data | h11.EndOfMessage]:
    parts: list[h11.Data | h11.EndOfMessage] = [h11.Data(chunk)] if chunk else []
    return parts if more else [*parts, h11.EndOfMessage()]


def _is_stream(headers: Headers) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in headers
    )
