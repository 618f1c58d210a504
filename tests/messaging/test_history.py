"""A new service consumes the history and then live events, as if it had always been there."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from hirewire.messaging import requests
from hirewire.messaging.broker import Broker, QueueTopology, open_broker, queue_of
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.introduction import introduce
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.publishing.subscribers import subscribed, write_subscribers
from hirewire.messaging.subscriptions import on_batch
from hirewire.messaging.transaction import Transactions, Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place

KEYS = 1000
PAST = {"rabbitmq": 15_000, "postgres": 10_000}
TYPES = ("test.noted",)


class Projection:
    """A service whose table has, for each key, the number and order of the consumed events."""

    def __init__(self, name: str, place: Place, broker: Broker) -> None:
        self.name, self.place = name, place
        self.lates = 0
        self.topology = QueueTopology(queue_of(name), TYPES)
        self.consumer = Consumer(
            service=name,
            transactions=place.transactions(name),
            broker=broker,
            subscriptions=[on_batch(Noted, self.project, name=f"{name}.pages", history=True)],
        )
        self._running: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        async with self.place.engine.begin() as connection:
            await connection.exec_driver_sql(
                "create table page ("
                "page uuid primary key, consumed int not null, chain text not null)"
            )

    async def project(self, tx: Tx, received: Sequence[Received[Noted]]) -> None:
        self.lates += sum(one.late for one in received)
        pages = sorted({one.event.page for one in received})
        result = await tx.exec_driver_sql(
            "select page, consumed, chain from page where page = any($1::uuid[])", (pages,)
        )
        state = {UUID(str(row.page)): (row.consumed, row.chain) for row in result}
        for one in received:
            count, chain = state.get(one.event.page, (0, ""))
            link = hashlib.sha256((chain + one.event.text).encode()).hexdigest()
            state[one.event.page] = (count + 1, link)
        await tx.exec_driver_sql(
            "insert into page select * from unnest($1::uuid[], $2::int[], $3::text[]) "
            "on conflict (page) do update set consumed = excluded.consumed, chain = excluded.chain",
            (list(state), [s[0] for s in state.values()], [s[1] for s in state.values()]),
        )

    def start(self) -> None:
        self._running = asyncio.create_task(self.consumer.run())

    async def stop(self) -> None:
        self.consumer.stop()
        if self._running is not None:
            await self._running

    async def consumed(self) -> int:
        async with self.place.engine.connect() as connection:
            result = await connection.exec_driver_sql("select coalesce(sum(consumed), 0) from page")
            return int(result.scalar_one())

    async def pages(self) -> list[tuple[UUID, int, str]]:
        async with self.place.engine.connect() as connection:
            result = await connection.exec_driver_sql("select * from page order by page")
            return [(UUID(str(row.page)), row.consumed, row.chain) for row in result]


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    made = open_broker(broker_url, client="writer")
    yield made
    await made.close()


@asynccontextmanager
async def relaying(place: Place, broker: Broker) -> AsyncIterator[Relay]:
    relay = Relay(service="writer", database_url=place.url, broker=broker)
    task = asyncio.create_task(relay.run())
    yield relay
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def write(transactions: Transactions, pages: Sequence[UUID], first: int, count: int) -> None:
    for start in range(first, first + count, 1000):
        async with transactions() as tx:
            for n in range(start, min(start + 1000, first + count)):
                record(tx, Noted(page=pages[n % len(pages)], text=str(n)))


@pytest.mark.long
@pytest.mark.timeout(360)  # takes a quarter of a minute on an idle machine
async def test_a_new_service_equals_one_that_was_there_all_along(
    new_place: Callable[[], Awaitable[Place]], place: Place, broker: Broker, broker_url: str
) -> None:
    past = PAST["rabbitmq" if broker_url.startswith("amqp") else "postgres"]
    old, new = [Projection(name, await new_place(), broker) for name in ("old", "new")]
    for reader in (old, new):
        await reader.prepare()
    await broker.declare([old.topology])
    owner = await connect(place.url, application="tests")
    async with owner.transaction():
        await write_subscribers(owner, {TYPES[0]: ["old"]})
    pages = [uuid4() for _ in range(KEYS)]
    old.start()
    async with relaying(place, broker) as relay:
        transactions = Transactions(place.engine, "writer", relay.wake)
        await write(transactions, pages, 0, past)
        live = asyncio.create_task(write_live(transactions, pages, past))
        assert await subscribed(owner, "new") == set()
        queues = [old.topology, new.topology]
        await introduce(broker, {"writer": owner}, queues, past={("new", TYPES[0])})
        new.start()
        total = past + await live

        async def both_have_all() -> bool:
            return [await old.consumed(), await new.consumed()] == [total, total]

        await eventually(both_have_all, within=240)
        await eventually(lambda: all_done(place))
    for reader in (old, new):
        await reader.stop()
    assert await new.pages() == await old.pages()
    assert (old.lates, new.lates) == (0, 0)
    await owner.close()


async def write_live(transactions: Transactions, pages: Sequence[UUID], first: int) -> int:
    """Live traffic while history is sent; returns the number of events."""
    for n in range(1500):
        async with transactions() as tx:
            record(tx, Noted(page=pages[n % 7], text=str(first + n)))
    return 1500


async def all_done(place: Place) -> bool:
    async with place.transactions()() as tx:
        return {request.state for request in await requests.latest(tx)} == {"done"}


@pytest.fixture
async def consumed_once(
    new_place: Callable[[], Awaitable[Place]], place: Place, broker: Broker
) -> AsyncIterator[tuple[Projection, Transactions]]:
    """Twenty events on four pages, consumed by one subscriber that keeps consuming."""
    reader = Projection("old", await new_place(), broker)
    await reader.prepare()
    await broker.declare([reader.topology])
    owner = await connect(place.url, application="tests")
    async with owner.transaction():
        await write_subscribers(owner, {TYPES[0]: ["old"]})
    await owner.close()
    reader.start()
    async with relaying(place, broker) as relay:
        transactions = Transactions(place.engine, "writer", relay.wake)
        await write(transactions, [uuid4() for _ in range(4)], 0, 20)

        async def all_consumed() -> bool:
            return await reader.consumed() == 20

        await eventually(all_consumed)
        yield reader, transactions
    await reader.stop()


async def replay(transactions: Transactions, repeated: bool = False, **asked: object) -> bool:
    """Request a replay and wait for its end; returns whether the request was new."""
    asked = {"to": "old", "types": list(TYPES), **asked}
    async with transactions() as tx:
        id, new = await requests.ask(tx, "replay", asked, by="tests", again=repeated)

    async def ended() -> bool:
        async with transactions() as tx:
            request = await requests.find(tx, id)
            return request is not None and request.state == "done"

    await eventually(ended)
    return new


async def test_handled_events_are_not_repeated_unless_requested(
    consumed_once: tuple[Projection, Transactions],
) -> None:
    reader, transactions = consumed_once
    assert await replay(transactions, handover=True)
    assert not await replay(transactions, handover=True), "asking twice does it once"
    assert await replay(transactions, handover=True, repeated=True)
    assert await reader.consumed() == 20
    before = await reader.pages()
    async with reader.place.engine.begin() as connection:
        await connection.exec_driver_sql("truncate page")
    assert await replay(transactions, handover=True, again=True)

    async def rebuilt() -> bool:
        return await reader.consumed() == 20

    await eventually(rebuilt)
    assert await reader.pages() == before
    assert reader.lates == 0
    assert not await replay(transactions, handover=True, again=True)
    assert await reader.consumed() == 20


async def test_a_replay_may_be_of_one_key_or_of_a_time_only(
    consumed_once: tuple[Projection, Transactions],
) -> None:
    reader, transactions = consumed_once
    page = (await reader.pages())[0][0]
    async with transactions() as tx:
        asked = {"to": "old", "types": list(TYPES)}
        assert await requests.matching(tx, asked) == 20
        assert await requests.matching(tx, asked | {"key": str(page)}) == 5
        assert await requests.matching(tx, asked | {"since": "2999-01-01T00:00:00+00:00"}) == 0
        assert await requests.matching(tx, asked | {"until": "2020-01-01T00:00:00+00:00"}) == 0
    assert await replay(transactions, key=str(page), again=True)

    async def consumed_again() -> bool:
        return await reader.consumed() == 25

    await eventually(consumed_again)
