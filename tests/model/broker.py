"""A broker in this process that shows all permitted behaviour on demand.

Queues are durable and have a single active consumer. The caller decides when deliveries are handed
out and how many, which messages of the next call are refused, where a connection breaks, and
whether messages in flight are then lost or arrive later.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field, replace

from hirewire.messaging.broker import (
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
)

PATIENCE_SECONDS = 5.0


@dataclass(eq=False)
class _Consumer:
    """An open `deliveries` iterator."""

    queue: "_Queue"
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    batches: deque[list[Delivery]] = field(default_factory=deque)
    unacked: deque[Delivery] = field(default_factory=deque)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    acked: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        """End it: unacked messages return to the front of the queue, in order."""
        if self.closed.is_set():
            return
        self.closed.set()
        self.arrived.set()
        self.acked.set()
        self.queue.consumers.remove(self)
        for delivery in reversed(self.unacked):
            again = replace(delivery, delivery_count=delivery.delivery_count + 1, lease=None)
            self.queue.ready.appendleft(again)
        self.unacked.clear()


@dataclass(eq=False)
class _Queue:
    bindings: tuple[str, ...] = ()
    ready: deque[Delivery] = field(default_factory=deque)
    consumers: list[_Consumer] = field(default_factory=list)
    position: int = 0

    def is_bound(self, routing_key: str) -> bool:
        return any(
            routing_key == key or (key.endswith("#") and routing_key.startswith(key[:-1]))
            for key in self.bindings
        )


class FaultyBroker:
    """An in-process `Broker` with faults on demand."""

    keeps_order_within_batch = True

    def __init__(self) -> None:
        self.queues: dict[str, _Queue] = {}
        self.refused: set[int] = set()
        """Indexes of the messages in the next call of `publish` that the broker refuses."""
        self.breaks_after: int | None = None
        """How many messages of the next call are accepted before the connection breaks."""
        self.arrives_later = False
        """Whether messages after the break arrive later, instead of being lost."""
        self.gate: asyncio.Event | None = None
        """Holds the next call of `publish` until it is set."""
        self.held = asyncio.Event()
        self.under_way: list[Message] = []
        self.loses_ack = False

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`."""
        for topology in queues:
            self.queues.setdefault(topology.queue, _Queue()).bindings = topology.bindings

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`."""
        self.queues.pop(queue, None)

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`. After a refused message, later ones of its key are refused."""
        if (gate := self.gate) is not None:
            self.gate = None
            self.held.set()
            await gate.wait()
        refused, self.refused = self.refused, set()
        breaks_after, self.breaks_after = self.breaks_after, None
        taken = list(messages)
        if breaks_after is not None:
            taken, rest = taken[:breaks_after], taken[breaks_after:]
            if self.arrives_later:
                self.under_way += rest
        stopped: set[str] = set()
        outcomes = []
        for place, message in enumerate(taken):
            if place in refused or message.key in stopped:
                stopped.add(message.key)
                outcomes.append(Outcome.REFUSED)
            elif self._route(message) or not getattr(message, "mandatory", True):
                outcomes.append(Outcome.CONFIRMED)
            else:
                outcomes.append(Outcome.UNROUTABLE)
        if breaks_after is not None:
            raise BrokerUnavailable("the connection broke while publishing")
        return outcomes

    def calm(self) -> None:
        """Cancel all planned faults."""
        self.refused, self.breaks_after, self.arrives_later = set(), None, False
        self.loses_ack = False

    def let_arrive(self) -> None:
        """Deliver the messages that were in flight when a connection broke."""
        messages, self.under_way = self.under_way, []
        for message in messages:
            self._route(message)

    def _route(self, message: Message) -> bool:
        bound = [q for q in self.queues.values() if q.is_bound(message.routing_key)]
        for queue in bound:
            queue.position += 1
            queue.ready.append(
                Delivery(
                    message.body,
                    message.routing_key,
                    dict(message.headers),
                    message_id=message.id,
                    position=queue.position,
                )
            )
        return bool(bound)

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`. Yields what `hand_out` provides."""
        await self.declare([topology])
        consumer = _Consumer(self.queues[topology.queue])
        consumer.queue.consumers.append(consumer)
        try:
            while True:
                await consumer.arrived.wait()
                consumer.arrived.clear()
                if consumer.closed.is_set():
                    raise BrokerUnavailable("the connection broke")
                while consumer.batches:
                    yield consumer.batches.popleft()
        finally:
            consumer.close()

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`; nothing uses them here."""
        for _ in range(0):
            yield []

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        consumer = delivery.lease
        assert isinstance(consumer, _Consumer)
        if self.loses_ack:
            self.loses_ack = False
            consumer.close()
        if consumer.closed.is_set():
            raise BrokerUnavailable("the consumer is gone")
        while consumer.unacked and consumer.unacked[0].position <= delivery.position:
            consumer.unacked.popleft()
        consumer.acked.set()

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`."""
        found = self.queues[queue]
        return QueueStats(len(found.ready), len(found.consumers))

    async def ping(self) -> None:
        """See `Broker.ping`."""

    async def close(self) -> None:
        """See `Broker.close`."""

    async def hand_out(self, name: str, most: int) -> int:
        """Give the active consumer up to `most` deliveries as one batch; returns their number.

        Returns when all of them are acked or the consumer is gone. Fails if neither happens.
        """
        queue = self.queues[name]
        consumer = await self._active(queue)
        batch = [
            replace(queue.ready.popleft(), lease=consumer)
            for _ in range(min(most, len(queue.ready)))
        ]
        if not batch:
            return 0
        consumer.unacked.extend(batch)
        consumer.batches.append(batch)
        consumer.arrived.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while consumer.unacked and not consumer.closed.is_set():
                    consumer.acked.clear()
                    await consumer.acked.wait()
        except TimeoutError:
            raise AssertionError(
                f"{len(batch)} deliveries of {name} are looked at by nobody"
            ) from None
        return len(batch)

    async def _active(self, queue: _Queue) -> _Consumer:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not queue.consumers:
                await asyncio.sleep(0.002)
        return queue.consumers[0]

    def disconnect(self, name: str) -> None:
        """Break the connection of a queue's active consumer."""
        for consumer in self.queues[name].consumers[:1]:
            consumer.close()

    def waiting(self, names: Iterable[str]) -> int:
        """The number of messages waiting in these queues."""
        return sum(len(self.queues[name].ready) for name in names if name in self.queues)
