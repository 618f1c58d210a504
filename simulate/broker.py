"""A broker in memory: durable queues with one active consumer each, and a lossy network.

There are two kinds, as in the core. `rabbitmq` accepts every message of a batch separately, keeps
several batches of deliveries in flight, and may have stored a message that it refused. `postgres`
accepts a batch completely or not at all, and delivers the next batch when the previous one is
acked.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hirewire.messaging.broker import (
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
)
from simulate.loop import Host

if TYPE_CHECKING:
    from simulate.world import World


@dataclass(slots=True)
class Stored:
    """A message in a queue, and how often it was delivered."""

    message: Message
    count: int = 0


@dataclass(eq=False, slots=True)
class Lease:
    """A consumer as the broker sees it."""

    client: "Client"
    queue: "Queue"
    unacked: deque[tuple[int, Stored]] = field(default_factory=deque)
    alive: bool = True
    known_lost: bool = False
    awaited: "asyncio.Future[None] | None" = None
    last: int = 0

    def wake(self) -> None:
        """A delivery is available, or the consumer has ended."""
        if self.awaited is not None and not self.awaited.done():
            self.awaited.set_result(None)


@dataclass(eq=False, slots=True)
class Queue:
    """A durable queue."""

    name: str
    bindings: dict[str, None] = field(default_factory=dict)
    ready: deque[Stored] = field(default_factory=deque)
    consumers: list[Lease] = field(default_factory=list)

    def takes(self, routing_key: str) -> bool:
        """Whether a message with this routing key belongs in this queue."""
        return routing_key in self.bindings or any(
            key.endswith(".#") and routing_key.startswith(key[:-1]) for key in self.bindings
        )

    @property
    def empty(self) -> bool:
        """Whether no message is ready or in flight."""
        return not self.ready and not any(lease.unacked for lease in self.consumers)


class Server:
    """The broker itself."""

    def __init__(self, world: "World", kind: str) -> None:
        self.world = world
        self.kind = kind
        self.up = True
        self.queues: dict[str, Queue] = {}
        self.refusing: list[tuple[float, float]] = []
        """Periods in which messages may be refused."""

    def declare(self, topology: QueueTopology, *, exactly: bool) -> None:
        """Create a queue with its bindings."""
        queue = self.queues.setdefault(topology.queue, Queue(topology.queue))
        expected = dict.fromkeys(topology.bindings)
        queue.bindings = expected if exactly else queue.bindings | expected

    def take(self, message: Message) -> Outcome:
        """Put a message into the queues bound to it."""
        outcome = self._take(message)
        if self.world.trace is not None:
            shown = f"{message.routing_key} {message.headers.get('sequence', '')}"
            self.world.note(
                f"{'broker':10} {message.key} {shown} {message.id[-12:]} {outcome.value}"
            )
        return outcome

    def _take(self, message: Message) -> Outcome:
        random, now = self.world.random, self.world.loop.now
        refused = self.kind == "rabbitmq" and any(
            begin <= now < end and random.random() < 0.4 for begin, end in self.refusing
        )
        if refused and random.random() < 0.8:
            return Outcome.REFUSED
        found = [queue for queue in self.queues.values() if queue.takes(message.routing_key)]
        for queue in found:
            queue.ready.append(Stored(message))
            if queue.consumers:
                self.world.loop.happen(0.0001, queue.consumers[0].wake)
        if refused:
            return Outcome.REFUSED
        return Outcome.CONFIRMED if found or not message.mandatory else Outcome.UNROUTABLE

    def subscribe(self, client: "Client", name: str) -> Lease:
        """Add a consumer; it becomes active once those before it are gone."""
        queue = self.queues[name]
        lease = Lease(client, queue)
        queue.consumers.append(lease)
        return lease

    def end(self, lease: Lease) -> None:
        """Remove a consumer: its unacked messages return to the front of the queue, in order."""
        if not lease.alive:
            return
        lease.alive = False
        queue = lease.queue
        queue.consumers.remove(lease)
        for _, stored in reversed(lease.unacked):
            stored.count += 1
            queue.ready.appendleft(stored)
        lease.unacked.clear()
        if queue.consumers:
            self.world.loop.happen(0.0001, queue.consumers[0].wake)

    def hand_out(self, lease: Lease, limit: int) -> list[Delivery]:
        """The next deliveries for a consumer, if it is the active one."""
        queue = lease.queue
        if queue.consumers[0] is not lease or (self.kind == "postgres" and lease.unacked):
            return []
        found: list[Delivery] = []
        while queue.ready and len(found) < limit:
            stored = queue.ready.popleft()
            lease.last += 1
            lease.unacked.append((lease.last, stored))
            message = stored.message
            found.append(
                Delivery(
                    body=message.body,
                    routing_key=message.routing_key,
                    headers=message.headers,
                    message_id=message.id,
                    delivery_count=stored.count,
                    position=lease.last,
                    lease=lease,
                )
            )
        return found

    def restart(self, seconds: float) -> None:
        """Be unavailable for a while; the queues keep their messages."""
        self.up = False
        for queue in self.queues.values():
            for lease in list(queue.consumers):
                lease.client.lose(lease)
        for client in self.world.clients:
            client.cut()
        self.world.loop.happen(seconds, self._come_back)

    def _come_back(self) -> None:
        self.up = True


class _Publication:
    """One call of `publish` in progress."""

    def __init__(
        self, client: "Client", messages: Sequence[Message], future: "asyncio.Future[Any]"
    ) -> None:
        self.client = client
        self.messages = messages
        self.future = future
        self.outcomes: list[Outcome] = []
        self.missed: set[str] = set()
        """Keys with a message that was not accepted."""
        self.most = len(messages)
        """The number of messages accepted before the connection is lost."""
        self.lost_answer = False

    def go_on(self) -> None:
        """Accept messages until the network pauses."""
        server, world = self.client.server, self.client.world
        if not server.up:
            self.fail()
            return
        whole = server.kind == "postgres"
        while len(self.outcomes) < self.most:
            message = self.messages[len(self.outcomes)]
            held_back = whole and message.key in self.missed
            outcome = Outcome.HELD_BACK if held_back else server.take(message)
            if outcome is not Outcome.CONFIRMED:
                self.missed.add(message.key)
            self.outcomes.append(outcome)
            if not whole and world.random.random() < 0.15:
                world.loop.happen(world.delay(None), self.go_on)
                return
        if self.most < len(self.messages) or self.lost_answer:
            self.client.cut()
            self.fail()
        else:
            world.loop.happen(world.delay(self.client.host), self.confirm)

    def confirm(self) -> None:
        """The confirm arrives."""
        self.client.publications.pop(self, None)
        if not self.future.done():
            self.future.set_result(self.outcomes)

    def fail(self) -> None:
        """The connection is lost. Messages in flight may still be accepted, now or later."""
        self.client.publications.pop(self, None)
        if not self.future.done():
            self.future.set_exception(BrokerUnavailable("connection lost"))


class Client:
    """The `Broker` of one process."""

    keeps_order_within_batch = False

    def __init__(self, server: Server, host: Host) -> None:
        self.server = server
        self.keeps_order_within_batch = server.kind == "postgres"
        self.world = server.world
        self.host = host
        self.leases: list[Lease] = []
        self.publications: dict[_Publication, None] = {}
        self._free_at = 0.0
        self.world.clients.append(self)

    async def _request(self, label: str, work: Callable[[], Any]) -> Any:
        """Send a request and wait for its response; either may be lost."""
        world = self.world
        if world.over:
            raise BrokerUnavailable("the world is over")
        cut = world.cut_at(self.host, label)
        await world.loop.pause(world.delay(self.host))
        if cut == "before" or not self.server.up:
            self.cut()
            raise BrokerUnavailable("connection lost")
        answer = work()
        await world.loop.pause(world.delay(self.host))
        if cut == "after":
            self.cut()
            raise BrokerUnavailable("connection lost")
        return answer

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`."""

        def work() -> None:
            for topology in queues:
                self.server.declare(topology, exactly=True)

        await self._request("declare", work)

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`."""
        await self._request("delete", lambda: self.server.queues.pop(queue, None))

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`."""
        world = self.world
        if world.over:
            raise BrokerUnavailable("the world is over")
        if not messages:
            return []
        cut = world.cut_at(self.host, "publish")
        future = world.loop.create_future()
        publication = _Publication(self, messages, future)
        if cut == "before":
            publication.most = (
                0 if self.server.kind == "postgres" else world.random.randrange(len(messages))
            )
        publication.lost_answer = cut == "after"
        self.publications[publication] = None
        at = max(world.loop.now + world.delay(self.host), self._free_at)
        self._free_at = at + 1e-6
        world.loop.happen(at - world.loop.now, publication.go_on)
        outcomes: Sequence[Outcome] = await future
        return outcomes

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery], None]:
        """See `Broker.deliveries`."""

        def work() -> Lease:
            self.server.declare(topology, exactly=False)
            lease = self.server.subscribe(self, topology.queue)
            self.leases.append(lease)
            return lease

        lease = await self._request("consume", work)
        try:
            while True:
                await self.world.loop.pause(self.world.delay(self.host))
                batch = self.server.hand_out(lease, limit) if lease.alive else []
                if batch:
                    yield batch
                elif lease.known_lost or self.world.over:
                    raise BrokerUnavailable("consumer lost")
                else:
                    lease.awaited = self.world.loop.create_future()
                    await lease.awaited
        finally:
            if not self.world.over:
                self.world.loop.happen(self.world.delay(self.host), self.server.end, lease)

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery], None]:
        """See `Broker.broadcasts`: nothing uses them here."""
        for _ in types:
            raise BrokerUnavailable("no broadcasts here")
        yield []

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        lease = delivery.lease
        assert isinstance(lease, Lease)

        def work() -> bool:
            if not lease.alive:
                return False
            while lease.unacked and lease.unacked[0][0] <= delivery.position:
                lease.unacked.popleft()
            if self.server.kind == "postgres":
                lease.wake()
            return True

        if not await self._request("ack", work):
            raise BrokerUnavailable("the consumer is gone")

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`."""
        found = self.server.queues.get(queue)
        return QueueStats(len(found.ready) if found else 0, None)

    async def ping(self) -> None:
        """See `Broker.ping`."""
        await self._request("ping", lambda: None)

    async def close(self) -> None:
        """See `Broker.close`."""
        self.cut()

    def cut(self) -> None:
        """Lose all connections of this process; each side notices in its own time."""
        world = self.world
        for lease in list(self.leases):
            self.lose(lease)
        for publication in list(self.publications):
            if world.random.random() < 0.5:  # else the messages arrive, but not their confirm
                publication.most = min(
                    publication.most,
                    max(
                        len(publication.outcomes),
                        0 if self.server.kind == "postgres" else publication.most // 2,
                    ),
                )
            world.loop.happen(world.delay(self.host), publication.fail)

    def lose(self, lease: Lease) -> None:
        """Drop a consumer on the broker's side."""
        if lease in self.leases:
            self.leases.remove(lease)
        self.server.end(lease)

        def notice() -> None:
            lease.known_lost = True
            lease.wake()

        self.world.loop.happen(self.world.delay(self.host), notice)
