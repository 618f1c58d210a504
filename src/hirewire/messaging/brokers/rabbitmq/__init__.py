"""RabbitMQ 3.10 to 4.x.

Publishing has one connection with a confirm channel, and each consumer has its own connection, so
that a broker which slows publishers down does not slow consumers. A lost connection is not
repaired: the caller gets `BrokerUnavailable` and tries again, and everything is opened and declared
again.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial

import structlog

from hirewire.messaging.broker import (
    BROADCAST_BYTES,
    BROADCAST_MESSAGES,
    DEAD,
    EXCHANGE,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
    Redaction,
)
from hirewire.messaging.brokers.rabbitmq.consumer import Consumer
from hirewire.messaging.brokers.rabbitmq.link import Channel, Link, parse_url
from hirewire.messaging.brokers.rabbitmq.publisher import MessageRefused, Publisher, Unconfirmed
from hirewire.messaging.brokers.rabbitmq.redacting import redact_dead
from hirewire.messaging.event import EVENTS

__all__ = ["RabbitMQ", "parse_url"]

log = structlog.get_logger(__name__)

WATCHDOG_SECONDS = 5.0
DELIVERY_LIMIT = 1_000_000_000
"""Set because RabbitMQ 4 would drop a message after 20 returns, whatever their reason."""
QUEUE_ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": DEAD,
}


class RabbitMQ:
    """A RabbitMQ node or cluster: ``amqp(s)://user:password@host[:port][,host[:port]…]/vhost``."""

    keeps_order_within_batch = False

    def __init__(
        self, url: str, *, client: str, watchdog_seconds: float = WATCHDOG_SECONDS
    ) -> None:
        self._parameters = parse_url(url, client)
        self._client = client
        self._watchdog = watchdog_seconds
        self._link: Link | None = None
        self._publisher: Publisher | None = None
        self._opening = asyncio.Lock()
        self._publishing = asyncio.Lock()
        self._isolating = asyncio.Lock()
        self._prefetch: dict[str, int] = {}
        """Lower prefetch counts, for queues with large bodies and slow consumers."""
        self._first = 0
        """Index of the address that is tried first: the last good one, until it fails."""
        self._links: set[Link] = set()

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`. Bindings of known events no longer consumed are removed."""
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

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`."""
        channel = await (await self._control()).channel()
        try:
            await channel.ask(channel.raw.queue_delete, queue=queue)
        finally:
            channel.close()

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`."""
        async with self._publishing:
            publisher = self._publisher
            if publisher is None or publisher.channel.closed.done():
                link = await self._control()
                publisher = self._publisher = await Publisher.open(link, self._client)
        try:
            return await publisher.publish(messages)
        except MessageRefused:
            self._drop(publisher)
        except BaseException as error:
            # all other messages on the channel fail with it, since it is closed
            self._drop(publisher)
            if isinstance(error, Unconfirmed) and self._link is not None:
                await self._lose(self._link)
            raise
        async with self._isolating:
            return await self._publish_apart(messages)

    async def _publish_apart(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish on a separate channel, in halves, until the message that fails is alone."""
        publisher = await Publisher.open(await self._control(), self._client)
        try:
            return await publisher.publish(messages)
        except MessageRefused as error:
            if len(messages) == 1:
                messages[0].refusal = str(error)
                return [Outcome.REFUSED]
        finally:
            publisher.channel.close()
        middle = len(messages) // 2
        first = await self._publish_apart(messages[:middle])
        return first + await self._publish_apart(messages[middle:])

    def _drop(self, publisher: Publisher) -> None:
        if self._publisher is publisher:
            self._publisher = None
        publisher.channel.close()

    async def _lose(self, link: Link) -> None:
        """Close a connection that confirms nothing; the next one uses another host."""
        if self._link is link:
            self._link = None
            self._blame(link)
            await link.close()

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`.

        While idle it checks every few seconds that the queue and its consumer still exist. If large
        bodies wait for a slow reader, the connection may be lost once; the next one has a lower
        prefetch count until bodies are small again.
        """
        link = await self._open_link()
        try:
            channel = await link.channel()
            await _declare(channel, topology)
            prefetch = self._prefetch.get(topology.queue, limit * 2)
            await channel.ask(channel.raw.basic_qos, prefetch_count=prefetch)
            consumer = Consumer(link, channel, limit)
            await consumer.start(topology.queue, exclusive=topology.plain)
            try:
                while True:
                    batch = await consumer.next(self._watchdog)
                    if batch:
                        yield batch
                    else:
                        await self._check_consumed(link, topology.queue)
                    if prefetch < limit * 2 and consumer.is_idle_and_small:
                        del self._prefetch[topology.queue]
                        raise BrokerUnavailable("messages are small again: opened again for more")
            finally:
                if (fitting := consumer.fitting_prefetch) is not None and link.closed.done():
                    self._prefetch[topology.queue] = min(fitting, prefetch)
                consumer.leave()
        finally:
            self._links.discard(link)
            await link.close()

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`: an exclusive queue that is deleted with its connection."""
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
            most = (BROADCAST_MESSAGES, BROADCAST_BYTES)
            consumer = Consumer(link, channel, 1000, most=most)
            await consumer.start(queue, auto_ack=True)
            yield []
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
        if not isinstance(consumer, Consumer):
            raise TypeError("not a delivery of this broker")
        consumer.ack(delivery.position)

    async def redact(self, text: str, redaction: Redaction) -> int:
        """See `RedactsQueues.redact`: in the queue of messages that the broker has given up on.

        What waits in the queue of a service is redacted when that service takes it.
        """
        return await redact_dead(await self._control(), text, redaction)

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

    async def _control(self) -> Link:
        async with self._opening:
            if self._link is None or self._link.closed.done():
                self._link = await self._open_link()
            return self._link

    async def _open_link(self) -> Link:
        """Connect to the last good address, or to the next one if that failed."""
        problems = []
        count = len(self._parameters)
        for place in [(self._first + nth) % count for nth in range(count)]:
            parameters = self._parameters[place]
            try:
                link = await Link.open(parameters)
            except BrokerUnavailable as error:
                problems.append(f"{parameters.host}:{parameters.port}: {error}")
            else:
                self._first = place
                self._links.add(link)
                link.closed.add_done_callback(partial(self._forget, link))
                return link
        raise BrokerUnavailable("; ".join(problems))

    def _forget(self, link: Link, _: object) -> None:
        if link in self._links and not link.was_closed:
            self._blame(link)
        self._links.discard(link)

    def _blame(self, link: Link) -> None:
        first, failed = self._parameters[self._first], link.connection.params
        if (first.host, first.port) == (failed.host, failed.port):
            self._first = (self._first + 1) % len(self._parameters)

    async def _check_consumed(self, link: Link, queue: str) -> None:
        stats = await _queue_stats(link, queue)
        if not stats.consumers:
            raise BrokerUnavailable(f"{queue} has no consumer, though this one should be there")


async def _declare_exchanges(channel: Channel) -> None:
    for exchange, kind in ((EXCHANGE, "topic"), (DEAD, "fanout")):
        await channel.ask(
            channel.raw.exchange_declare, exchange=exchange, exchange_type=kind, durable=True
        )


async def _declare(channel: Channel, topology: QueueTopology) -> None:
    await _declare_exchanges(channel)
    raw = channel.raw
    await channel.ask(
        raw.queue_declare, queue=DEAD, durable=True, arguments={"x-queue-type": "quorum"}
    )
    await channel.ask(raw.queue_bind, queue=DEAD, exchange=DEAD, routing_key="")
    arguments = None if topology.plain else QUEUE_ARGUMENTS
    await channel.ask(raw.queue_declare, queue=topology.queue, durable=True, arguments=arguments)
    for key in topology.bindings:
        await channel.ask(raw.queue_bind, queue=topology.queue, exchange=EXCHANGE, routing_key=key)


async def _queue_stats(link: Link, queue: str) -> QueueStats:
    channel = await link.channel()
    try:
        frame = await channel.ask(channel.raw.queue_declare, queue=queue, passive=True)
        return QueueStats(frame.method.message_count, frame.method.consumer_count)
    finally:
        channel.close()
