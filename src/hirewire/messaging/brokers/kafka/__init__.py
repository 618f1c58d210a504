"""Apache Kafka, and what speaks its protocol.

Each owner's events are in one topic (`<namespace>.<owner>`), keyed by the aggregate. A queue is a
consumer group: `bindings` says which events it gets. Publishing has one producer, and each consumer
its own connections. What has failed is not repaired: the caller gets `BrokerUnavailable` and tries
again, and everything is opened again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence

from confluent_kafka import Message as Record

from hirewire.messaging.broker import (
    DEAD,
    BrokerMisconfigured,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
)
from hirewire.messaging.brokers.kafka.address import parse_url
from hirewire.messaging.brokers.kafka.alignment import Entry
from hirewire.messaging.brokers.kafka.bindings import Binding
from hirewire.messaging.brokers.kafka.broadcasts import BroadcastReader
from hirewire.messaging.brokers.kafka.cluster import OTHERS, Cluster
from hirewire.messaging.brokers.kafka.consumer import Consumer
from hirewire.messaging.brokers.kafka.cut_off import CutOff
from hirewire.messaging.brokers.kafka.messages import delivery_of
from hirewire.messaging.brokers.kafka.publisher import Publisher, RecordRefused
from hirewire.messaging.brokers.kafka.routing import (
    Placed,
    Routed,
    kind_of,
    marks,
    route_all,
    spread,
)

__all__ = ["Kafka", "parse_url"]

WATCHDOG_SECONDS = 5.0
KEEP_SECONDS = 600.0


class Kafka:
    """A Kafka cluster: ``kafka[+ssl]://[user:password@]host[:port][,…][/namespace]``."""

    keeps_order_within_batch = True

    def __init__(
        self,
        url: str,
        *,
        client: str,
        watchdog_seconds: float = WATCHDOG_SECONDS,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        """`watchdog_seconds`: how often a consumer looks whether its queue is as it was;
        `keep_seconds`: how often it commits again where it is.
        """
        self._address = parse_url(url)
        self._client = client
        self._watchdog = watchdog_seconds
        self._keep = keep_seconds
        self._cluster = Cluster(self._address, client)
        self._publisher: Publisher | None = None
        self._publishing = asyncio.Lock()
        self._publishing_apart = asyncio.Lock()
        self._consumers: set[Consumer] = set()
        self._readers: set[BroadcastReader] = set()

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`."""
        await self._cluster.declare(queues, exactly=True)

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`."""
        await self._cluster.delete(queue)

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`."""
        async with self._publishing:
            if any(message.mandatory or message.via for message in messages):
                await self._cluster.refresh()
            outcomes, records = route_all(messages, self._cluster, self._client)
            confirmed = await self._send(records)
        try:
            await confirmed
        except RecordRefused:
            async with self._publishing_apart:
                return await self._publish_apart(messages)
        except BrokerUnavailable:
            self._cluster.forget_topics()  # somebody may have deleted one
            raise
        return outcomes

    async def _send(self, records: Sequence[Routed]) -> Awaitable[None]:
        try:
            await self._cluster.make({topic for topic, _, _ in records})
        except BrokerMisconfigured as error:
            return _refused(str(error))
        self._publisher = self._usable(self._publisher)
        return self._publisher.send(self._placed(records, self._publisher))

    def _placed(self, records: Sequence[Routed], publisher: Publisher) -> list[Placed]:
        """The partitions of records; behind a mark if this producer's are spread otherwise now."""
        own = self._address.own(self._client)
        # Each is asked for once, since another call may learn of more partitions meanwhile.
        counts = {topic: self._cluster.count_of(topic) for topic in {one[0] for one in records}}
        placed = spread(records, counts)
        if (count := counts.get(own, publisher.marked)) == publisher.marked:
            return placed
        publisher.marked = count
        return [*marks(own, count), *placed]

    async def _publish_apart(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish one after the other, since the cluster refuses one of them.

        It has a producer of its own: the cluster refuses all records that arrive together.
        """
        outcomes: list[Outcome] = []
        stuck = set[str]()
        publisher = None
        try:
            for message in messages:
                outcome = Outcome.HELD_BACK
                if message.key not in stuck:
                    publisher = self._usable(publisher)
                    outcome = await self._publish_alone(publisher, message)
                if outcome is not Outcome.CONFIRMED:
                    stuck.add(message.key)
                outcomes.append(outcome)
        finally:
            if publisher is not None:
                _close_soon(publisher)
        return outcomes

    async def _publish_alone(self, publisher: Publisher, message: Message) -> Outcome:
        [outcome], records = route_all([message], self._cluster, self._client)
        try:
            await self._cluster.make({topic for topic, _, _ in records})
            await publisher.send(self._placed(records, publisher))
        except (BrokerMisconfigured, RecordRefused) as error:
            message.refusal = f"{', '.join(sorted({topic for topic, _, _ in records}))}: {error}"
            return Outcome.REFUSED
        return outcome

    def _usable(self, publisher: Publisher | None) -> Publisher:
        """This producer, or a new one if it has failed."""
        if publisher is not None and not publisher.has_failed:
            return publisher
        if publisher is not None:
            _close_soon(publisher)
        return Publisher(self._address, self._client)

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`."""
        cluster = self._cluster
        await cluster.declare([topology], exactly=False)
        group = self._address.own(topology.queue)
        consumer = Consumer(self._address, self._client, group=group, lock=cluster.lock_topic)
        self._consumers.add(consumer)
        cut_off = CutOff(self._address, self._client, cluster.lock_topic)
        try:
            await self._activated(consumer, cut_off)
            binding = await cluster.binding(topology.queue)
            bounds = await cluster.bounds(cluster.read_by(binding))
            least = {place: binding.start_of(place) for place in bounds}
            await consumer.start(least, bounds, binding.ids)
            async for batch in self._batches(consumer, cut_off, binding, topology, limit):
                yield batch
        finally:
            self._consumers.discard(consumer)
            await consumer.close()

    async def _activated(self, consumer: Consumer, cut_off: CutOff) -> None:
        """Return once it is the active member of its group."""
        becoming = asyncio.ensure_future(consumer.active())
        try:
            while not (await asyncio.wait({becoming}, timeout=self._watchdog))[0]:
                await cut_off.check(await consumer.nodes())
            await becoming
        finally:
            becoming.cancel()

    async def _batches(
        self,
        consumer: Consumer,
        cut_off: CutOff,
        binding: Binding,
        topology: QueueTopology,
        limit: int,
    ) -> AsyncGenerator[Sequence[Delivery]]:
        loop = asyncio.get_running_loop()
        looked_at = kept_at = loop.time()

        def entry_of(record: Record) -> Entry:
            owner = self._owner_of(record.topic() or "")
            delivery = delivery_of(record, topology.queue, user=owner, lease=consumer)
            kind = kind_of(binding, topology, record, delivery.routing_key)
            return Entry.of(record, kind, delivery)

        while True:
            await consumer.fill(limit, entry_of, self._cluster.ends)
            # What is not for this queue may be for a newer version of it.
            is_due = loop.time() > looked_at + self._watchdog
            if is_due and not await self._cluster.are_there(binding, consumer.places):
                raise BrokerUnavailable(
                    f"the topics of {topology.queue} are not found as they were"
                )
            if is_due:
                await cut_off.check(await consumer.nodes())
            if loop.time() > kept_at + self._keep:
                consumer.keep()
                kept_at = loop.time()
            if is_due or consumer.skips:
                looked_at = loop.time()
                if not binding.gets_what(await self._cluster.binding(topology.queue)):
                    raise BrokerUnavailable(f"{topology.queue} has other bindings than before")
            if found := consumer.next(limit):
                yield found

    def _owner_of(self, topic: str) -> str | None:
        """The owner of a topic, if the cluster lets nobody else write to it."""
        prefix, _, owner = topic.rpartition(".")
        is_owners = prefix == self._address.namespace and owner != OTHERS
        return owner if is_owners and self._address.user is not None else None

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`: a reader without a group, from the ends of the topics on.

        How far it has fallen behind is counted in messages only.
        """
        asked = frozenset(types)
        topics = sorted({self._cluster.topic_of(event) for event in types})
        await self._cluster.make(topics)
        ends = await self._cluster.ends(topics)
        reader = await BroadcastReader.open(self._address, self._client, ends)
        self._readers.add(reader)
        cut_off = CutOff(self._address, self._client, topics[0])
        loop = asyncio.get_running_loop()
        looked_at = loop.time()
        try:
            yield []
            while True:
                if loop.time() > looked_at + self._watchdog:
                    if set(await self._cluster.places(topics)) != ends.keys():
                        raise BrokerUnavailable("there are other partitions than before")
                    await cut_off.check(await reader.nodes(topics[0]))
                    looked_at = loop.time()
                read = [
                    delivery_of(one, "", user=self._owner_of(one.topic() or ""), lease=None)
                    for one in await reader.next()
                ]
                if found := [one for one in read if one.routing_key in asked]:
                    yield found
        finally:
            self._readers.discard(reader)
            await reader.close()

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        consumer = delivery.lease
        if not isinstance(consumer, Consumer):
            raise TypeError("not a delivery of this broker")
        consumer.ack(delivery.position)

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`. Events that others get from the same topics count as well."""
        return QueueStats(0, None) if queue == DEAD else await self._cluster.stats(queue)

    async def queues(self) -> dict[str, QueueStats]:
        """The queues of the namespace, with their lags."""
        await self._cluster.refresh()
        return {queue: await self.stats(queue) for queue in sorted(self._cluster.bindings.queues)}

    async def ping(self) -> None:
        """See `Broker.ping`."""
        await self._cluster.ping()

    async def close(self) -> None:
        """See `Broker.close`."""
        publisher, self._publisher = self._publisher, None
        consumers, self._consumers = self._consumers, set()
        for reader in self._readers:
            reader.end()
        closing = [asyncio.ensure_future(one.close()) for one in consumers]
        if publisher is not None:  # whoever is cancelled meanwhile leaves no thread
            closing.append(asyncio.ensure_future(asyncio.to_thread(publisher.close)))
        await asyncio.gather(*map(asyncio.shield, closing), return_exceptions=True)
        await self._cluster.close()


async def _refused(why: str) -> None:
    raise RecordRefused(why)


def _close_soon(publisher: Publisher) -> None:
    asyncio.get_running_loop().run_in_executor(None, publisher.close)
