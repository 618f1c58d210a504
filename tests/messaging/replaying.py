"""A writer, its relay step by step, and readers that store what they consume."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence, Set
from types import coroutine
from typing import Any
from uuid import UUID

import asyncpg

from hirewire.messaging import requests
from hirewire.messaging.broker import (
    Broker,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
    open_broker,
    queue_of,
)
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.introduction import introduce
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.reconciliation import audit
from hirewire.messaging.subscriptions import Subscription, on_batch
from hirewire.messaging.transaction import Transactions, Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place

TYPE = Noted.name


class Between:
    """A wrapper of a broker that may refuse, fail, or inspect what is published."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.keeps_order_within_batch = broker.keeps_order_within_batch
        self.before: Callable[[Sequence[Message]], None] = lambda _: None
        self.refuses: Callable[[Message], bool] = lambda _: False
        self.acked: Callable[[Delivery], None] = lambda _: None
        self.published: Callable[[Sequence[Message]], None] = lambda _: None

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Publish what is not refused; a refused message stops later ones of its key."""
        self.before(messages)
        refused: set[str] = set()
        taken = []
        for message in messages:
            if message.key in refused or self.refuses(message):
                refused.add(message.key)
            else:
                taken.append(message)
        outcomes = iter(await self.broker.publish(taken) if taken else [])
        self.published(taken)
        kept = {id(message) for message in taken}
        return [next(outcomes) if id(m) in kept else Outcome.REFUSED for m in messages]

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`."""
        await self.broker.declare(queues)

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`."""
        await self.broker.delete(queue)

    def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`."""
        return self.broker.deliveries(topology, limit=limit)

    def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`."""
        return self.broker.broadcasts(types)

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        self.acked(delivery)
        await self.broker.ack(delivery)

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`."""
        return await self.broker.stats(queue)

    async def ping(self) -> None:
        """See `Broker.ping`."""
        await self.broker.ping()

    async def close(self) -> None:
        """See `Broker.close`."""
        await self.broker.close()


class Writer:
    """The owner of the events, whose relay runs a step on demand."""

    def __init__(self, place: Place, broker_url: str) -> None:
        self.place, self.broker_url = place, broker_url
        self.broker = Between(open_broker(broker_url, client="writer"))
        self.relay = Relay(service="writer", database_url=place.url, broker=self.broker)
        self.transactions = Transactions(place.engine, "writer", self.relay.wake)

    async def write(self, page: UUID, *texts: object) -> None:
        for text in texts:
            async with self.transactions() as tx:
                record(tx, Noted(page=page, text=str(text)))

    async def introduce(self, readers: Sequence[str], past: Set[str] = frozenset()) -> None:
        """Make these the readers; those in `past` consume the history."""
        owner = await connect(self.place.url, application="tests")
        topologies = [QueueTopology(queue_of(name), (TYPE,)) for name in readers]
        pairs = {(name, TYPE) for name in past}
        await introduce(self.broker, {"writer": owner}, topologies, past=pairs)
        await owner.close()

    async def ask(self, to: str, **asked: object) -> UUID:
        async with self.transactions() as tx:
            whole = {"to": to, "types": [TYPE], "handover": True, **asked}
            return (await requests.ask(tx, "replay", whole, by="tests"))[0]

    async def request(self, id: UUID) -> requests.Request:
        async with self.transactions() as tx:
            found = await requests.find(tx, id)
        assert found is not None
        return found

    async def states(self) -> set[str]:
        async with self.transactions() as tx:
            return {request.state for request in await requests.latest(tx)}

    async def all_sent(self) -> bool:
        async with self.transactions() as tx:
            unsent = await tx.exec_driver_sql("select count(*) from messaging.outbox")
            return bool(unsent.scalar_one() == 0)

    async def come_to_rest(self) -> None:
        """Run steps until everything is sent and every request has ended."""

        async def ended() -> bool:
            await self.relay.step()
            return await self.all_sent() and "open" not in await self.states()

        await eventually(ended)

    async def log(self) -> dict[UUID, str]:
        """The ids and types of all events."""
        async with self.transactions() as tx:
            rows = await tx.exec_driver_sql("select id, type from messaging.log order by position")
            return {UUID(str(row.id)): row.type for row in rows}

    async def close(self) -> None:
        await self.relay.close()
        await self.broker.close()


class Reader:
    """A service that stores each effect, in order."""

    def __init__(self, name: str, place: Place, broker_url: str) -> None:
        self.name, self.place, self.broker_url = name, place, broker_url
        self.topology = QueueTopology(queue_of(name), (TYPE,))
        self.transactions = place.transactions(name)
        self.subscription = on_batch(Noted, self.note, name=f"{name}.notes", history=True)
        self.running: list[tuple[Broker, asyncio.Task[None]]] = []
        self.lates = 0

    async def prepare(self) -> None:
        async with self.place.engine.begin() as connection:
            await connection.exec_driver_sql(
                "create table effect (n bigint generated always as identity, page text, text text)"
            )

    async def note(self, tx: Tx, received: Sequence[Received[Noted]]) -> None:
        self.lates += sum(one.late for one in received)
        await tx.exec_driver_sql(
            "insert into effect (page, text) select * from unnest($1::text[], $2::text[])",
            ([one.key for one in received], [one.event.text for one in received]),
        )

    def start(self, client: str = "", subscriptions: Sequence[Subscription] = ()) -> None:
        """Start one more replica: active, or standing by."""
        broker = open_broker(self.broker_url, client=client or self.name)
        consumer = Consumer(
            service=self.name,
            transactions=self.transactions,
            broker=broker,
            subscriptions=subscriptions or [self.subscription],
        )
        self.running.append((broker, asyncio.create_task(consumer.run())))

    async def kill(self, nth: int = 0) -> None:
        """Kill a replica in the middle of its work."""
        broker, task = self.running.pop(nth)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await broker.close()

    async def effects(self, page: UUID) -> list[str]:
        async with self.place.engine.connect() as connection:
            rows = await connection.exec_driver_sql(
                "select text from effect where page = $1 order by n", (str(page),)
            )
            return [row.text for row in rows]

    async def awaits(self) -> int:
        async with self.place.engine.connect() as connection:
            rows = await connection.exec_driver_sql("select count(*) from messaging.awaiting")
            number: int = rows.scalar_one()
            return number

    async def expect(self, page: UUID, *texts: object) -> None:
        """Wait for the last of these effects; there must be exactly these."""
        expected = [str(text) for text in texts]

        async def there() -> bool:
            return len(await self.effects(page)) >= len(expected)

        await eventually(there, what=f"{len(expected)} effects")
        assert await self.effects(page) == expected

    async def account(
        self, events: Mapping[UUID, str], subscriptions: Sequence[Subscription] = ()
    ) -> audit.Line:
        """The audit's line, as if a barrier had passed."""
        async with self.transactions() as tx:
            found = await audit.states_of(tx, subscriptions or [self.subscription], events)
        account = audit.Ledger()
        account.expect([audit.Expected(id, type, [self.name]) for id, type in events.items()])
        account.enter(self.name, events, found, behind_barrier=True)
        return account.lines[self.name]

    async def close(self) -> None:
        while self.running:
            await self.kill()


async def step_until(writer: Writer, condition: Callable[[], Awaitable[object]]) -> None:
    """Run the relay step by step, with a short pause after each, until the condition holds."""
    for _ in range(50):
        await writer.relay.step()
        for _ in range(20):
            if await condition():
                return
            await asyncio.sleep(0.02)
    raise AssertionError(f"never: {condition}")


@coroutine
def killed_at(work: Any, steps: int, kill: Callable[[], None] = lambda: None) -> Any:
    """Run `work` for this many awaits, then kill it; True if it had ended before."""
    raised: BaseException | None = None
    for _ in range(steps):
        try:
            waits_for = work.send(None) if raised is None else work.throw(raised)
        except StopIteration:
            return True
        raised = yield from _open_replays(waits_for)
    kill()
    try:
        waits_for = work.throw(asyncio.CancelledError)
        while True:
            raised = yield from _open_replays(waits_for)
            waits_for = work.send(None) if raised is None else work.throw(raised)
    except (StopIteration, asyncio.CancelledError, OSError, asyncpg.InterfaceError):
        return False


def _open_replays(waits_for: Any) -> Generator[Any, None, BaseException | None]:
    """An exception in place of a result; it also takes a timeout's cancellation."""
    try:
        yield waits_for
    except (Exception, asyncio.CancelledError) as error:
        return error
    return None
