"""RabbitMQ 3.10 to 4.x over pika, with a lifecycle of our own.

Publishing has one connection with a confirm channel, each consumer a connection of its own, so that
a broker which slows publishers down does not slow consumers. A connection that was lost is not
mended: the caller hears `BrokerUnavailable`, asks again, and all is opened and declared anew.
"""

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import pika
import structlog
from pika import exceptions
from pika.adapters.asyncio_connection import AsyncioConnection

from hirewire.messaging.broker import (
    DEAD,
    EXCHANGE,
    BrokerMisconfigured,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
)
from hirewire.messaging.event import EVENTS

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 20
ANSWER_SECONDS = 15.0
CONFIRM_SECONDS = 30.0
WATCHDOG_SECONDS = 5.0
PREFIX = "cloudEvents_"
PREFIXES = (PREFIX, "cloudEvents:")
DELIVERY_LIMIT = 1_000_000_000
"""Set because RabbitMQ 4 would drop a message after 20 returns, whoever is to blame for them."""
QUEUE_ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": DEAD,
}
PUBLISH_SLICE = 200
"""Messages put on the wire before other tasks get a turn."""


class RabbitMQ:
    """A RabbitMQ node or cluster: ``amqp(s)://user:password@host[:port][,host[:port]…]/vhost``."""

    def __init__(
        self, url: str, *, client: str, watchdog_seconds: float = WATCHDOG_SECONDS
    ) -> None:
        self._parameters = parse_url(url, client)
        self._client = client
        self._watchdog = watchdog_seconds
        self._link: _Link | None = None
        self._publisher: _Publisher | None = None
        self._opening = asyncio.Lock()
        self._publishing = asyncio.Lock()
        self._links: set[_Link] = set()

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`. Bindings of known events that are no longer heard are removed."""
        channel = await (await self._control()).channel()
        try:
            for topology in queues:
                await _declare(channel, topology)
                for name in EVENTS.keys() - set(topology.types):
                    await channel.ask(
                        channel.raw.queue_unbind,
                        queue=topology.queue,
                        exchange=EXCHANGE,
                        routing_key=name,
                    )
            if not queues:
                await _declare_exchanges(channel)
        finally:
            channel.close()

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`."""
        async with self._publishing:
            publisher = self._publisher
            if publisher is None or publisher.channel.closed.done():
                link = await self._control()
                publisher = self._publisher = await _Publisher.open(link, self._client)
        try:
            return await publisher.publish(messages)
        except BaseException:
            # Whatever else is under way on the channel has the same fate: it is closed.
            if self._publisher is publisher:
                self._publisher = None
            publisher.channel.close()
            raise

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`. While idle it asks the broker, every few seconds, whether the
        queue and a consumer of it are really there.
        """
        link = await self._open_link()
        try:
            channel = await link.channel()
            await _declare(channel, topology)
            await channel.ask(channel.raw.basic_qos, prefetch_count=limit * 2)
            consumer = _Consumer(channel, limit)
            await consumer.start(topology.queue)
            while True:
                batch = await consumer.next(self._watchdog)
                if batch:
                    yield batch
                else:
                    await self._check_consumed(link, topology.queue)
        finally:
            self._links.discard(link)
            await link.close()

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`: an exclusive queue that goes with its connection."""
        link = await self._open_link()
        try:
            channel = await link.channel()
            await _declare_exchanges(channel)
            declared = await channel.ask(
                channel.raw.queue_declare, queue="", exclusive=True, auto_delete=True
            )
            queue = declared.method.queue
            for name in types:
                await channel.ask(
                    channel.raw.queue_bind, queue=queue, exchange=EXCHANGE, routing_key=name
                )
            consumer = _Consumer(channel, 1000)
            await consumer.start(queue, auto_ack=True)
            while True:
                batch = await consumer.next(self._watchdog)
                if batch:
                    yield batch
        finally:
            self._links.discard(link)
            await link.close()

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        consumer = delivery.lease
        if not isinstance(consumer, _Consumer):
            raise TypeError("not a delivery of this broker")
        consumer.ack(delivery.position)

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`."""
        return await _queue_stats(await self._control(), queue)

    async def ping(self) -> None:
        """See `Broker.ping`."""
        (await (await self._control()).channel()).close()

    async def close(self) -> None:
        """See `Broker.close`."""
        links, self._links = self._links, set()
        self._link = self._publisher = None
        await asyncio.gather(*(link.close() for link in links))

    async def _control(self) -> "_Link":
        async with self._opening:
            if self._link is None or self._link.closed.done():
                self._link = await self._open_link()
            return self._link

    async def _open_link(self) -> "_Link":
        problems = []
        for parameters in self._parameters:
            try:
                link = await _Link.open(parameters)
            except BrokerUnavailable as error:
                problems.append(f"{parameters.host}:{parameters.port}: {error}")
            else:
                self._links.add(link)
                link.closed.add_done_callback(partial(self._forget, link))
                return link
        raise BrokerUnavailable("; ".join(problems))

    def _forget(self, link: "_Link", _: object) -> None:
        self._links.discard(link)

    async def _check_consumed(self, link: "_Link", queue: str) -> None:
        stats = await _queue_stats(link, queue)
        if not stats.consumers:
            raise BrokerUnavailable(f"{queue} has no consumer, though this one should be there")


class _Link:
    """A connection: open, or closed for good."""

    def __init__(
        self, connection: AsyncioConnection, closed: asyncio.Future[BaseException]
    ) -> None:
        self.connection = connection
        self.closed = closed
        self.user = connection.params.credentials.username

    @classmethod
    async def open(cls, parameters: pika.ConnectionParameters) -> "_Link":
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        closed: asyncio.Future[BaseException] = loop.create_future()

        def on_error(_: object, error: BaseException) -> None:
            if not opened.done():
                opened.set_exception(_unavailable(error))

        def on_close(_: object, error: BaseException) -> None:
            if not closed.done():
                closed.set_result(error)
            if not opened.done():
                opened.set_exception(_unavailable(error))

        connection = AsyncioConnection(
            parameters,
            on_open_callback=lambda _: _settle(opened, None),
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

    async def channel(self) -> "_Channel":
        if self.closed.done():
            raise _unavailable(self.closed.result())
        opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            raw = self.connection.channel(on_open_callback=opened.set_result)
        except exceptions.AMQPError as error:
            raise _unavailable(error) from None
        channel = _Channel(raw, self.closed)
        await channel.wait_for(opened)
        return channel

    async def close(self) -> None:
        if self.closed.done():
            return
        with suppress(exceptions.AMQPError):
            self.connection.close()
        await asyncio.wait({self.closed}, timeout=3)


class _Channel:
    """A channel: open, or closed for good with the reason."""

    def __init__(self, raw: Any, link_closed: asyncio.Future[BaseException]) -> None:
        self.raw = raw
        self.closed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        raw.add_on_close_callback(lambda _, reason: self._end(reason))
        link_closed.add_done_callback(lambda future: self._end(future.result()))

    def _end(self, reason: BaseException) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)

    async def ask(self, operation: Callable[..., Any], /, **arguments: Any) -> Any:
        """Call a pika method and wait for the broker's answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            operation(callback=lambda frame: _settle(answer, frame), **arguments)
        except exceptions.AMQPError as error:
            raise self._error(error) from None
        return await self.wait_for(answer)

    async def wait_for(self, answer: asyncio.Future[Any]) -> Any:
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
        return _translated(self.closed.result() if self.closed.done() else error)

    def close(self) -> None:
        with suppress(exceptions.AMQPError):
            if self.raw.is_open:
                self.raw.close()


_Name: TypeAlias = tuple[str, str]
"""Id and routing key: what a message is known by while it is under way."""


class _Batch:
    """Messages published together: which of them are unsettled, and what became of the others."""

    __slots__ = ("left", "nacked", "returned", "settled")

    def __init__(self, count: int) -> None:
        self.left = count
        self.nacked: set[_Name] = set()
        self.returned: set[_Name] = set()
        self.settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Publisher:
    """A confirm channel, and what became of what was published on it."""

    def __init__(self, link: _Link, channel: _Channel, client: str) -> None:
        self.channel = channel
        self._user = link.user
        self._client = client
        self._tag = 0
        self._first = 1
        self._unconfirmed: dict[int, tuple[_Batch, _Name]] = {}
        self._by_name: dict[_Name, _Batch] = {}
        channel.closed.add_done_callback(lambda _: self._end())

    @classmethod
    async def open(cls, link: _Link, client: str) -> "_Publisher":
        channel = await link.channel()
        publisher = cls(link, channel, client)
        channel.raw.add_on_return_callback(publisher._on_return)
        await channel.ask(
            lambda callback: channel.raw.confirm_delivery(publisher._on_confirm, callback)
        )
        return publisher

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Several calls may be under way at once, with messages of different ids."""
        if not messages:
            return []
        batch = _Batch(len(messages))
        for start in range(0, len(messages), PUBLISH_SLICE):
            for message in messages[start : start + PUBLISH_SLICE]:
                self._send(message, batch)
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await batch.settled
        except TimeoutError:
            raise BrokerUnavailable(f"{batch.left} messages unconfirmed in time") from None
        return [self._outcome(batch, (m.id, m.routing_key)) for m in messages]

    def _outcome(self, batch: _Batch, name: _Name) -> Outcome:
        if name in batch.nacked:
            return Outcome.REFUSED
        return Outcome.UNROUTABLE if name in batch.returned else Outcome.CONFIRMED

    def _send(self, message: Message, batch: _Batch) -> None:
        properties = pika.BasicProperties(
            content_type="application/json",
            delivery_mode=2,
            message_id=message.id,
            correlation_id=message.correlation_id,
            type=message.type,
            app_id=self._client,
            user_id=self._user,
            timestamp=int(time.time()),
            headers={PREFIX + name: value for name, value in message.headers.items()},
        )
        try:
            self.channel.raw.basic_publish(
                EXCHANGE, message.routing_key, message.body, properties, mandatory=True
            )
        except exceptions.AMQPError as error:
            closed = self.channel.closed
            raise _translated(closed.result() if closed.done() else error) from None
        self._tag += 1
        name = (message.id, message.routing_key)
        self._unconfirmed[self._tag] = (batch, name)
        self._by_name[name] = batch

    def _on_return(self, _: object, method: Any, properties: Any, __: bytes) -> None:
        name = (properties.message_id, method.routing_key)
        if name in self._by_name:
            self._by_name[name].returned.add(name)

    def _on_confirm(self, frame: Any) -> None:
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        nacked = isinstance(frame.method, pika.spec.Basic.Nack)
        for one in range(self._first, tag + 1) if multiple else (tag,):
            found = self._unconfirmed.pop(one, None)
            if found is None:
                continue
            batch, name = found
            self._by_name.pop(name, None)
            if nacked:
                batch.nacked.add(name)
            batch.left -= 1
            if not batch.left and not batch.settled.done():
                batch.settled.set_result(None)
        if multiple:
            self._first = tag + 1

    def _end(self) -> None:
        """The channel is closed: nobody is told any more."""
        error = _translated(self.channel.closed.result())
        for batch in {id(b): b for b, _ in self._unconfirmed.values()}.values():
            if not batch.settled.done():
                batch.settled.set_exception(error)
                batch.settled.exception()  # it may be that nobody waits any more


class _Consumer:
    """What has arrived on one channel."""

    def __init__(self, channel: _Channel, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        self._arrived: deque[tuple[Any, Any, bytes]] = deque()
        self._signal = asyncio.Event()
        self._cancelled = False
        channel.closed.add_done_callback(lambda _: self._signal.set())
        channel.raw.add_on_cancel_callback(self._on_cancel)

    async def start(self, queue: str, *, auto_ack: bool = False) -> None:
        await self._channel.ask(
            self._channel.raw.basic_consume,
            queue=queue,
            on_message_callback=self._on_message,
            auto_ack=auto_ack,
        )

    async def next(self, at_most: float) -> list[Delivery]:
        """Up to `limit` deliveries, in order; none when nothing came in `at_most` seconds."""
        if not self._arrived:
            self._signal.clear()
            self._check()
            try:
                async with asyncio.timeout(at_most):
                    await self._signal.wait()
            except TimeoutError:
                return []
        self._check()
        arrived = self._arrived
        return [_delivery(*arrived.popleft(), self) for _ in range(min(len(arrived), self._limit))]

    def ack(self, tag: int) -> None:
        self._check()
        try:
            self._channel.raw.basic_ack(tag, multiple=True)
        except exceptions.AMQPError as error:
            raise _translated(error) from None

    def _check(self) -> None:
        if self._channel.closed.done():
            raise _translated(self._channel.closed.result())
        if self._cancelled:
            raise BrokerUnavailable("the broker has cancelled the consumer")

    def _on_message(self, _: object, method: Any, properties: Any, body: bytes) -> None:
        self._arrived.append((method, properties, body))
        self._signal.set()

    def _on_cancel(self, _: object) -> None:
        self._cancelled = True
        self._signal.set()


def _settle(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


def parse_url(url: str, client: str) -> list[pika.ConnectionParameters]:
    """Connection parameters, one a host. Raises `ValueError` that does not quote the password."""
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
        host, port = _host_and_port(place, 5671 if secure else 5672)
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
                ssl_options=pika.SSLOptions(context, host) if context else None,
                client_properties={"connection_name": f"hirewire {client}"},
            )
        )
    return found


def _host_and_port(place: str, default: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ValueError("broker address: not host[:port] between @ and /")
    return host, port or default


async def _declare_exchanges(channel: _Channel) -> None:
    for exchange, kind in ((EXCHANGE, "topic"), (DEAD, "fanout")):
        await channel.ask(
            channel.raw.exchange_declare, exchange=exchange, exchange_type=kind, durable=True
        )


async def _declare(channel: _Channel, topology: QueueTopology) -> None:
    await _declare_exchanges(channel)
    raw = channel.raw
    await channel.ask(
        raw.queue_declare, queue=DEAD, durable=True, arguments={"x-queue-type": "quorum"}
    )
    await channel.ask(raw.queue_bind, queue=DEAD, exchange=DEAD, routing_key="")
    await channel.ask(
        raw.queue_declare, queue=topology.queue, durable=True, arguments=QUEUE_ARGUMENTS
    )
    for key in topology.bindings:
        await channel.ask(raw.queue_bind, queue=topology.queue, exchange=EXCHANGE, routing_key=key)


async def _queue_stats(link: _Link, queue: str) -> QueueStats:
    channel = await link.channel()
    try:
        frame = await channel.ask(channel.raw.queue_declare, queue=queue, passive=True)
        return QueueStats(frame.method.message_count, frame.method.consumer_count)
    finally:
        channel.close()


def _delivery(method: Any, properties: Any, body: bytes, consumer: _Consumer) -> Delivery:
    raw = properties.headers or {}
    counts = [raw.get(name) for name in ("x-delivery-count", "x-acquired-count")]
    count = max((c for c in counts if isinstance(c, int)), default=0)
    return Delivery(
        body=body,
        routing_key=method.routing_key,
        headers=_texts(raw),
        message_id=properties.message_id,
        user_id=properties.user_id,
        delivery_count=count or int(method.redelivered),
        position=method.delivery_tag,
        lease=consumer,
    )


def _texts(headers: Mapping[str, Any]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in headers.items():
        if name in ("x-delivery-count", "x-acquired-count"):
            continue
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        if isinstance(value, bytes):
            texts[name] = value.decode("utf-8", "replace")
        else:
            texts[name] = value if isinstance(value, str) else json.dumps(value, default=str)
    return texts


def _unavailable(error: BaseException) -> BrokerUnavailable:
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


def _translated(error: BaseException) -> Exception:
    """Pika's reason as ours: what waiting can mend, and what it cannot."""
    if isinstance(error, exceptions.ChannelClosedByBroker):
        text = str(error.reply_text)
        inequivalent = error.reply_code == 406 and "inequivalent" in text
        if error.reply_code == 403 or inequivalent:
            return BrokerMisconfigured(text)
        return BrokerUnavailable(f"{error.reply_code} {text}")
    return _unavailable(error)
