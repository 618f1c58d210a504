"""A connection to RabbitMQ over pika, with its own lifecycle and framing.

pika does the handshake, the heartbeats and all rare methods. On the hot paths (incoming deliveries,
outgoing messages) `frames` reads and writes several hundred frames at a time.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import pika
from pika import exceptions, frame
from pika.adapters.asyncio_connection import AsyncioConnection

from hirewire.messaging.broker import BrokerMisconfigured, BrokerUnavailable
from hirewire.messaging.brokers.addresses import host_and_port
from hirewire.messaging.brokers.rabbitmq.frames import FRAME_END, HEAD
from hirewire.messaging.database import VANISHED_SECONDS

HEARTBEAT_SECONDS = 20
ANSWER_SECONDS = 15.0
CONFIRM_SECONDS = 30.0
READ_BYTES = 256 * 1024
"""Bytes read from the socket at once (pika: 4 KiB)."""


class Sink(Protocol):
    """Receives those frames of one channel that carry deliveries."""

    def take(self, kind: int, data: bytes, start: int, end: int) -> bool:
        """Take the payload ``data[start:end]``; False to leave it to pika."""


class Wire(AsyncioConnection):  # type: ignore[misc]
    """pika's connection, which passes the frames of deliveries to sinks."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.sinks: dict[int, Sink] = {}
        self._rest = b""
        self.paused = False
        """Whether reading the socket is paused, since enough deliveries are waiting."""
        super().__init__(*arguments, **options)

    def _adapter_emit_data(self, data: bytes) -> None:
        self._transport._MAX_RECV_BYTES = READ_BYTES
        super()._adapter_emit_data(data)

    def _on_data_available(self, data_in: bytes) -> None:
        data = self._rest + data_in if self._rest else data_in
        size, at = len(data), 0
        try:
            while size - at >= 8:
                kind, channel, length = HEAD.unpack_from(data, at)
                end = at + 8 + length
                if kind > 8:  # no frame: the broker uses another version of the protocol
                    break
                if end > size:
                    return
                if data[end - 1] != FRAME_END:
                    raise exceptions.InvalidFrameError("Invalid FRAME_END marker")
                sink = self.sinks.get(channel)
                start, at = at, end
                if sink is None or not sink.take(kind, data, start + 7, end - 1):
                    self._process_frame(frame.decode_frame(data[start:end])[1])
                else:
                    self.frames_received += 1
            else:
                return
            consumed, found = frame.decode_frame(data[at:])
            if found:
                at += consumed
                self._process_frame(found)
        finally:
            self._rest = data[at:]
            self.bytes_received += at

    def pause(self) -> None:
        """Stop reading from the socket until `resume`, so that the broker waits too.

        RabbitMQ closes a connection to which it can send nothing for 30 s.
        """
        if (transport := self._active_transport) is not None and not self.paused:
            self.paused = True
            transport._nbio.remove_reader(transport._sock.fileno())
            self._stay_alive()

    def resume(self) -> None:
        """Continue reading."""
        if (transport := self._active_transport) is not None and self.paused:
            self.paused = False
            transport._nbio.set_reader(transport._sock.fileno(), transport._on_socket_readable)
            # Bytes that TLS has already read from the socket do not make it readable again.
            transport._nbio.add_callback_threadsafe(transport._on_socket_readable)

    @property
    def _active_transport(self) -> Any:
        """The transport, unless it is closed or closing: its socket must not be watched then."""
        transport = self._transport
        active = transport is not None and transport._state == transport._STATE_ACTIVE
        return transport if active else None

    def _stay_alive(self) -> None:
        """While paused, heartbeats are not read; pika must not treat that as a dead connection."""
        if self.paused and self.is_open:
            self.bytes_received += 1
            self._adapter_call_later(1.0, self._stay_alive)

    def emit(self, data: bytes) -> None:
        """Send complete frames. Raises `pika.exceptions.AMQPError` if not open."""
        if not self.is_open:
            raise exceptions.ConnectionWrongStateError("the connection is not open")
        self.bytes_sent += len(data)
        self._adapter_emit_data(data)

    @property
    def largest_body(self) -> int:
        """Bytes of a body that go into one frame."""
        most: int = self._body_max_length
        return most


class Link:
    """A connection: open, or closed for good."""

    def __init__(self, connection: Wire, closed: asyncio.Future[BaseException]) -> None:
        self.connection = connection
        self.closed = closed
        self.user = connection.params.credentials.username
        self.was_closed = False
        """Whether our side closed it."""

    @classmethod
    async def open(cls, parameters: pika.ConnectionParameters) -> "Link":
        """Connect. Raises `BrokerUnavailable`."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        closed: asyncio.Future[BaseException] = loop.create_future()

        def on_error(_: object, error: BaseException) -> None:
            if not opened.done():
                opened.set_exception(unavailable(error))

        def on_close(_: object, error: BaseException) -> None:
            if not closed.done():
                closed.set_result(error)
            if not opened.done():
                opened.set_exception(unavailable(error))

        connection = Wire(
            parameters,
            on_open_callback=lambda _: resolve(opened, None),
            on_open_error_callback=on_error,
            on_close_callback=on_close,
            custom_ioloop=loop,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await opened
        except BaseException as error:
            with suppress(Exception):
                connection.close()
            if isinstance(error, TimeoutError):
                raise BrokerUnavailable("no answer in time") from None
            raise
        return cls(connection, closed)

    async def channel(self) -> "Channel":
        """A new channel."""
        if self.closed.done():
            raise unavailable(self.closed.result())
        opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            raw = self.connection.channel(on_open_callback=opened.set_result)
        except exceptions.AMQPError as error:
            raise unavailable(error) from None
        channel = Channel(raw, self.closed)
        await channel.wait_for(opened)
        return channel

    async def close(self) -> None:
        """Close it, and wait briefly for the broker's confirmation."""
        if self.closed.done():
            return
        self.was_closed = True
        self.connection.resume()  # the broker's answer must be read
        with suppress(exceptions.AMQPError):
            self.connection.close()
        await asyncio.wait({self.closed}, timeout=3)
        if not self.closed.done():
            self.connection._terminate_stream(exceptions.StreamLostError("no answer to the close"))


class Channel:
    """A channel: open, or closed for good with the reason."""

    def __init__(self, raw: Any, link_closed: asyncio.Future[BaseException]) -> None:
        self.raw = raw
        self.closed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._link_closed = link_closed
        raw.add_on_close_callback(lambda _, reason: self._end(reason))
        link_closed.add_done_callback(self._end_with_link)

    def _end_with_link(self, link_closed: asyncio.Future[BaseException]) -> None:
        self._end(link_closed.result())

    def _end(self, reason: BaseException) -> None:
        # A link lives long: it would keep every channel it ever had.
        self._link_closed.remove_done_callback(self._end_with_link)
        if not self.closed.done():
            self.closed.set_result(reason)

    async def ask(self, operation: Callable[..., Any], /, **arguments: Any) -> Any:
        """Call a pika method and wait for the broker's answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            operation(callback=lambda frame: resolve(answer, frame), **arguments)
        except exceptions.AMQPError as error:
            raise self._error(error) from None
        return await self.wait_for(answer)

    async def wait_for(self, answer: asyncio.Future[Any]) -> Any:
        """The response, unless the channel is closed first."""
        await asyncio.wait(
            {answer, self.closed},
            timeout=ANSWER_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if answer.done():
            return answer.result()
        answer.cancel()
        if self.closed.done():
            raise self._error(self.closed.result())
        raise BrokerUnavailable("no answer in time")

    def _error(self, error: BaseException) -> Exception:
        return translated(self.closed.result() if self.closed.done() else error)

    def close(self) -> None:
        """Close it, unless it is closed."""
        with suppress(exceptions.AMQPError):
            if self.raw.is_open:
                self.raw.close()


def resolve(future: asyncio.Future[Any], value: object) -> None:
    """Set a result that may have no waiter any more."""
    if not future.done():
        future.set_result(value)


def parse_url(url: str, client: str) -> list[pika.ConnectionParameters]:
    """Connection parameters for each host. Raises `ValueError` without the password."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    secure = parts.scheme == "amqps"
    options = dict(parse_qsl(parts.query))
    unknown = options.keys() - {"heartbeat"}
    if unknown:
        raise ValueError(f"broker address: unknown option {sorted(unknown)[0]!r}")
    context = ssl.create_default_context() if secure else None
    found = []
    for place in hosts.split(","):
        host, port = host_and_port(place, 5671 if secure else 5672)
        found.append(
            pika.ConnectionParameters(
                host=host,
                port=port,
                virtual_host=unquote(parts.path[1:]) or "/",
                credentials=pika.PlainCredentials(
                    unquote(user) or "guest", unquote(password) or "guest"
                ),
                heartbeat=int(options.get("heartbeat", HEARTBEAT_SECONDS)),
                blocked_connection_timeout=CONFIRM_SECONDS * 2,
                socket_timeout=5,
                stack_timeout=8,
                tcp_options={"TCP_USER_TIMEOUT": VANISHED_SECONDS * 1000},
                ssl_options=pika.SSLOptions(context, host) if context else None,
                client_properties={"connection_name": f"hirewire {client}"},
            )
        )
    return found


def unavailable(error: BaseException) -> BrokerUnavailable:
    """Translate pika's reason for a failed connection."""
    if isinstance(error, exceptions.ProbableAuthenticationError):
        return BrokerUnavailable("signing in was refused (user or password)")
    if isinstance(error, exceptions.ProbableAccessDeniedError):
        return BrokerUnavailable("the virtual host is missing, or not open to this user")
    while isinstance(error, exceptions.AMQPConnectionError) and error.args:
        inner = error.args[0]
        inner = getattr(inner, "exception", inner)
        if not isinstance(inner, BaseException):
            break
        error = inner
    return BrokerUnavailable(f"{type(error).__name__}: {error}"[:300])


def translated(error: BaseException) -> Exception:
    """Translate pika's reason: temporary or permanent."""
    if isinstance(error, exceptions.ChannelClosedByBroker):
        text = str(error.reply_text)
        inequivalent = error.reply_code == 406 and "inequivalent" in text
        busy = "exclusive use" in text  # another replica consumes it, which may end
        if (error.reply_code == 403 and not busy) or inequivalent:
            return BrokerMisconfigured(text)
        return BrokerUnavailable(f"{error.reply_code} {text}")
    return unavailable(error)
