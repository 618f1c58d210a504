"""Replicas in parallel: each key stays in order, also while the number of partitions grows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import (
    BrokerUnavailable,
    Delivery,
    Message,
    QueueTopology,
    open_broker,
    queue_of,
)
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.partitions import PartitionAssigner, PartitionRouter, topology_of
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.publishing.subscribers import write_subscribers
from hirewire.messaging.reconciliation import barriers
from hirewire.messaging.runtime import Messaging
from hirewire.messaging.spreading import partition_of
from hirewire.messaging.subscriptions import on_batch
from hirewire.messaging.transaction import Transactions, Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import place_with_notes
from tests.messaging.replaying import Between, Reader, Writer, step_until

__all__ = ["place_with_notes"]


def test_adding_a_partition_moves_as_few_keys_as_possible() -> None:
    keys = [str(uuid4()) for _ in range(4000)]
    for count in (2, 3, 7):
        before = [partition_of(key, count) for key in keys]
        after = [partition_of(key, count + 1) for key in keys]
        assert set(before) == set(range(count))
        moved = [new for old, new in zip(before, after, strict=True) if old != new]
        assert set(moved) == {count}
        assert len(moved) == pytest.approx(len(keys) / (count + 1), rel=0.25)


class Crew:
    """Replicas of one service, and the writer that they consume."""

    def __init__(self, here: Place, there: Place, broker_url: str) -> None:
        self.here, self.there, self.broker_url = here, there, broker_url
        self.replicas: list[Messaging] = []
        self.broker = open_broker(broker_url, client="writer")
        self.relay = Relay(service="writer", database_url=there.url, broker=self.broker)
        self.relaying: asyncio.Task[None] | None = None
        self.lates = 0

    async def begin(self) -> None:
        await self.broker.declare([QueueTopology("hirewire.reader", ("test.noted",))])
        owner = await connect(self.there.url, application="tests")
        async with owner.transaction():
            await write_subscribers(owner, {"test.noted": ["reader"]})
        await owner.close()
        self.relaying = asyncio.create_task(self.relay.run())

    async def note(self, tx: Tx, received: Sequence[Received[Noted]]) -> None:
        self.lates += sum(one.late for one in received)
        await tx.exec_driver_sql(
            "insert into note (text) select * from unnest($1::text[])",
            ([f"{one.key} {one.event.text}" for one in received],),
        )

    def join(self, partitions: int) -> Messaging:
        """Add a replica."""
        made = Messaging(
            service="reader",
            engine=self.here.engine,
            database_url=self.here.url,
            broker=open_broker(self.broker_url, client="reader"),
            subscriptions=[on_batch(Noted, self.note, name="reader.notes")],
            partitions=partitions,
        )
        made.start("worker")
        self.replicas.append(made)
        return made

    async def write(self, pages: Sequence[UUID], first: int, count: int) -> None:
        transactions = Transactions(self.there.engine, "writer", self.relay.wake)
        for n in range(first, first + count):
            async with transactions() as tx:
                for page in pages:
                    record(tx, Noted(page=page, text=str(n)))

    async def consumed(self) -> list[str]:
        async with self.here.engine.connect() as connection:
            rows = await connection.exec_driver_sql("select text from note order by n")
            return [row.text for row in rows]

    async def end(self) -> None:
        await asyncio.gather(*(replica.stop() for replica in self.replicas))
        if self.relaying is not None:
            self.relaying.cancel()
            await asyncio.gather(self.relaying, return_exceptions=True)
        await self.broker.close()


@pytest.fixture
async def crew(
    place_with_notes: Place, new_place: Callable[[], Awaitable[Place]], broker_url: str
) -> AsyncIterator[Crew]:
    made = Crew(place_with_notes, await new_place(), broker_url)
    await made.begin()
    yield made
    await made.end()


def out_of_order(received: Sequence[str], pages: Sequence[UUID], count: int) -> list[list[str]]:
    """Pages whose events did not all arrive once and in order."""
    expected = [str(n) for n in range(count)]
    found = [[t.split()[1] for t in received if t.startswith(str(page))] for page in pages]
    return [one for one in found if one != expected]


async def shared(crew: Crew, *numbers: int) -> None:
    async def as_expected() -> bool:
        return sorted(len(one.assigner.held) for one in crew.replicas) == sorted(numbers)

    await eventually(as_expected)


async def test_replicas_share_the_partitions_and_keep_order_while_they_grow(crew: Crew) -> None:
    pages = [uuid4() for _ in range(20)]
    crew.join(2)
    crew.join(2)
    await shared(crew, 1, 1)
    writing = asyncio.create_task(crew.write(pages, 0, 60))

    async def some_consumed(count: int) -> bool:
        return len(await crew.consumed()) >= count

    await eventually(lambda: some_consumed(200))
    before, crew.replicas = crew.replicas, []
    crew.join(5)
    crew.join(5)
    await asyncio.gather(*(replica.stop() for replica in before))
    await writing
    await eventually(lambda: some_consumed(1200))
    await shared(crew, 2, 3)
    received = await crew.consumed()
    assert len(received) == 1200
    assert out_of_order(received, pages, 60) == []
    assert crew.lates == 0


async def test_partitions_of_a_lost_replica_go_to_the_others(crew: Crew) -> None:
    pages = [uuid4() for _ in range(12)]
    for _ in range(2):
        crew.join(3)
    await shared(crew, 1, 2)
    await crew.write(pages, 0, 5)
    await crew.replicas.pop().stop()
    await crew.write(pages, 5, 5)

    async def all_consumed() -> bool:
        return len(await crew.consumed()) == 120

    await eventually(all_consumed, within=30)
    await shared(crew, 3)
    assert out_of_order(await crew.consumed(), pages, 10) == []


class Idle:
    """A consumer that only waits to be stopped."""

    def __init__(self, _: int) -> None:
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        await self._stopping.wait()

    def stop(self) -> None:
        self._stopping.set()


async def test_a_replica_of_a_partition_that_is_no_more_takes_one_that_is(place: Place) -> None:
    """Otherwise nobody would have that one: its replica had its share."""
    one, other = (
        PartitionAssigner(service="reader", database_url=place.url, count=2, consumer=Idle)  # type: ignore[arg-type]
        for _ in range(2)
    )
    async with place.engine.begin() as tx:
        await tx.exec_driver_sql("insert into messaging.spread (partitions) values (3)")
    for assigner in (one, other, one, other):
        await assigner.step()
    assert (one.held, other.held) == ([0, 1], [2])
    async with place.engine.begin() as tx:
        await tx.exec_driver_sql("update messaging.spread set partitions = 2")
    for assigner in (one, other):
        await assigner.step()
    assert (one.held, other.held) == ([0], [1])
    for assigner in (one, other):
        await assigner._let_go(assigner.held)
        await assigner._share.close()


async def test_a_stop_drains_all_partitions_at_once(crew: Crew) -> None:
    """Each batch ends only once every partition's consumer is stopping."""
    pages = [uuid4() for _ in range(40)]
    kept, began, notices = crew.note, set[str](), list[Consumer]()

    async def note(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        began.update(one.key for one in received)
        while not notices or not all(one._stopping.is_set() for one in notices):
            await asyncio.sleep(0.01)
        await kept(tx, received)

    crew.note = note  # type: ignore[method-assign]
    replica = crew.join(3)
    await shared(crew, 3)
    await crew.write(pages, 0, 1)

    async def all_busy() -> bool:
        return {partition_of(key, 3) for key in began} == {0, 1, 2}

    await eventually(all_busy)
    notices += [consumer for consumer, _ in replica.assigner._running.values()]
    await replica.stop()
    assert {text.split()[0] for text in await crew.consumed()} >= began


async def test_a_barrier_passes_every_partition(crew: Crew) -> None:
    replica = crew.join(3)
    assert replica.consumer.queues == tuple(topology_of("reader", n).queue for n in range(3))
    async with Transactions(crew.there.engine, "writer", crew.relay.wake)() as tx:
        id = await barriers.ask(tx)

    async def through_all() -> bool:
        async with replica.transactions() as tx:
            return set(await barriers.passed_queues(tx, id)) == set(replica.consumer.queues)

    await eventually(through_all)


class Spreading:
    """A service's queue, its partition router, and the content of the partitions."""

    def __init__(self, place: Place, broker_url: str) -> None:
        self.service = f"s{uuid4().hex[:8]}"
        self.topology = QueueTopology(queue_of(self.service), ("test.noted",))
        self.broker = Between(open_broker(broker_url, client=self.service))
        self.router = PartitionRouter(
            service=self.service,
            topology=self.topology,
            transactions=place.transactions(self.service),
            broker=self.broker,
            count=3,
        )

    async def send(self, *texts: str) -> None:
        """Put these into the service's queue: events whose keys are their first letters, or
        barriers.
        """
        messages = []
        for text in texts:
            id, key = uuid4(), text[0]
            if text == "barrier":
                messages.append(barriers.message(id, "writer", self.service))
                continue
            headers = {"id": str(id), "type": "test.noted", "partitionkey": key, "note": text}
            messages.append(Message(str(id), "test.noted", key, b"{}", headers, to=self.service))
        for message in messages:
            await self.broker.broker.publish([message])

    async def partition(self, number: int, count: int) -> list[str]:
        """The content of a partition's queue, once it has this many messages."""
        found: list[Delivery] = []
        batches = self.broker.broker.deliveries(topology_of(self.service, number), limit=100)
        async with asyncio.timeout(30), aclosing(batches):
            async for batch in batches:
                found += batch
                if len({one.headers["id"] for one in found}) >= count:
                    break
                await self.broker.broker.ack(batch[-1])
        return [one.headers.get("note", "barrier") for one in found]


@pytest.fixture
async def spreading(place: Place, broker_url: str) -> AsyncIterator[Spreading]:
    made = Spreading(place, broker_url)
    await made.broker.declare([made.topology])
    yield made
    await made.broker.close()


async def test_barriers_overtake_nothing_and_nothing_overtakes_them(spreading: Spreading) -> None:
    before = ["x1", "x2", "x3", "y1", "y2", "z1"]
    after = ["x4", "x5", "y3", "z2", "z3"]
    await spreading.send(*before, "barrier", "barrier", *after, "barrier")
    task = asyncio.create_task(spreading.router.run())
    for number in range(3):
        here = [key for key in "xyz" if partition_of(key, 3) == number]
        first, second = ([text for text in texts if text[0] in here] for texts in (before, after))
        found = await spreading.partition(number, len(first) + len(second) + 3)
        middle, end = len(first), len(first) + 2 + len(second)
        assert sorted(found[:middle]) == sorted(first)
        assert found[middle : middle + 2] == ["barrier", "barrier"]
        assert sorted(found[middle + 2 : end]) == sorted(second)
        assert found[end:] == ["barrier"]
        for key in here:
            assert [t for t in found if t[0] == key] == [t for t in before + after if t[0] == key]
    spreading.router.stop()
    await task


async def test_nothing_is_acked_before_it_is_in_a_partition(spreading: Spreading) -> None:
    """The first batch fails twice on its way; it is forwarded again, and acked afterwards."""
    order: list[str] = []
    fails = iter([True, False, True])

    def fail(_: Sequence[Message]) -> None:
        if next(fails, False):
            raise BrokerUnavailable("for a moment")

    spreading.broker.before = fail
    spreading.broker.published = lambda messages: order.extend(m.headers["id"] for m in messages)
    spreading.broker.acked = lambda delivery: order.append(delivery.headers["id"])
    await spreading.send("x1", "x2", "barrier", "x3")
    task = asyncio.create_task(spreading.router.run())
    found = await spreading.partition(partition_of("x", 3), 4)
    assert list(dict.fromkeys(found)) == ["x1", "x2", "barrier", "x3"]

    async def all_acked() -> bool:
        return (await spreading.broker.stats(spreading.topology.queue)).ready == 0

    await eventually(all_acked)
    spreading.router.stop()
    await task
    assert len(set(order)) == 4
    assert order[-1] in order[:-1], "acked what was not published"


@pytest.mark.parametrize(("numbers", "ends_with"), [((2, 5), 1), ((5, 2, 5), 1)])
async def test_partitions_change_while_a_replay_is_open(
    place: Place,
    new_place: Callable[[], Awaitable[Place]],
    broker_url: str,
    numbers: Sequence[int],
    ends_with: int,
) -> None:
    """Replayed types are held back in the new partitions too, and only until the replay ends."""
    writer = Writer(place, broker_url)
    reader = Reader(f"g{uuid4().hex[:8]}", await new_place(), broker_url)
    await reader.prepare()
    pages = [uuid4() for _ in range(12)]
    await writer.introduce([])
    for page in pages:
        await writer.write(page, 0)
    await writer.come_to_rest()
    await writer.introduce([reader.name], past={reader.name})
    written = 1
    for nth, number in enumerate(numbers):
        replica = Messaging(
            service=reader.name,
            engine=reader.place.engine,
            database_url=reader.place.url,
            broker=open_broker(broker_url, client=reader.name),
            subscriptions=[reader.subscription],
            partitions=number,
        )
        replica.start("worker")
        writer.broker.refuses = lambda message: message.to is not None
        for page in pages:
            await writer.write(page, written)
        written += 1
        await step_until(writer, writer.all_sent)

        await handled_by(reader, writer, number)
        writer.broker.refuses = lambda _: False
        if nth >= ends_with:
            await writer.come_to_rest()
        if nth == len(numbers) - 1:
            for page in pages:
                await writer.write(page, written)
            await writer.come_to_rest()
            for page in pages:
                await reader.expect(page, *range(written + 1))
        await replica.stop()
    assert reader.lates == 0
    await writer.close()


async def handled_by(reader: Reader, writer: Writer, number: int) -> None:
    """Wait until this many partitions have received everything, and have handled it."""
    queues = [reader.topology.queue, *(topology_of(reader.name, n).queue for n in range(number))]

    async def handled() -> bool:
        async with reader.transactions() as tx:
            spread = await tx.exec_driver_sql("select partitions from messaging.spread")
            if spread.scalar() != number:
                return False
        stats = [await writer.broker.stats(queue) for queue in queues]
        return all(one.ready == 0 for one in stats)

    await eventually(handled)
