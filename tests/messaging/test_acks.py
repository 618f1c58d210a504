"""An ack covers committed messages only."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import consumer as consumers
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.envelope import Received
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import delivery
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.conftest import Erased, Noted, Place
from tests.messaging.readers import noted, notes, place_with_notes, write
from tests.messaging.scripted import MetTransactions, ScriptedBroker, rows

__all__ = ["place_with_notes"]


class Consuming:
    """A consumer of a scripted broker, which records what was committed at each ack."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.broker = ScriptedBroker()
        self.broker.before_ack = self.look
        self.committed_at_ack: list[tuple[int, list[str]]] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.fails: set[str] = set()
        self.calls: list[str] = []
        self.consumer = Consumer(
            service="reader",
            transactions=place.transactions("reader"),
            broker=self.broker,
            subscriptions=[on(Noted, self.on_noted, name="reader.notes")],
            batch=4,
        )

    async def on_noted(self, tx: Tx, received: Received[Noted]) -> None:
        self.calls.append(received.event.text)
        if gate := self.gates.get(received.event.text):
            await gate.wait()
        if received.event.text in self.fails:
            raise ValueError("broken")
        await write(tx, received.event.text)

    async def look(self, one: Delivery) -> None:
        self.committed_at_ack.append((one.position, await notes(self.place.engine)))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.consumer.run())
        try:
            yield
        finally:
            for gate in self.gates.values():
                gate.set()
            self.consumer.stop()
            await task

    async def acked(self, position: int) -> None:
        async def there() -> bool:
            return position in self.broker.acked

        await eventually(there)


@pytest.fixture
def consuming(place_with_notes: Place) -> Consuming:
    return Consuming(place_with_notes)


def batch(*texts: str) -> Sequence[Delivery]:
    return [noted(uuid4(), text, 1) for text in texts]


async def test_a_batch_is_acked_once_it_is_committed(consuming: Consuming) -> None:
    consuming.broker.feed(*batch("a", "b", "c", "d"))
    consuming.broker.feed(*batch("e", "f", "g", "h"))
    async with consuming.running():
        await consuming.acked(8)
    assert consuming.committed_at_ack == [(4, list("abcd")), (8, list("abcdefgh"))]


async def test_no_batch_is_acked_before_an_earlier_one(consuming: Consuming) -> None:
    """It is not even handled, since that would break the order within a key."""
    gate = consuming.gates["a"] = asyncio.Event()
    consuming.broker.feed(*batch("a", "b", "c", "d"))
    consuming.broker.feed(*batch("e", "f", "g", "h"))
    async with consuming.running():

        async def begun() -> bool:
            return consuming.calls[:1] == ["a"]

        await eventually(begun)
        for _ in range(20):  # time in which a second batch could begin
            await notes(consuming.place.engine)
        assert consuming.calls == ["a"]
        assert consuming.broker.acked == []
        gate.set()
        await consuming.acked(8)
    assert [position for position, _ in consuming.committed_at_ack] == [4, 8]
    assert await notes(consuming.place.engine) == list("abcdefgh")


async def test_a_batch_that_is_taken_in_parts_is_acked_part_by_part(
    consuming: Consuming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ack covers everything before it, so an early ack of a later batch would lose the rest."""
    monkeypatch.setattr(consumers, "LONGEST_BATCH_SECONDS", 0.0)  # any batch reduces the next ones
    consuming.broker.feed(*batch("a", "b", "c", "d"))
    async with consuming.running():
        await consuming.acked(4)
        consuming.broker.feed(*batch("e", "f", "g", "h"))
        consuming.broker.feed(*batch("i", "j", "k", "l"))

        async def third_begun() -> bool:
            return any(position > 8 for position in consuming.broker.acked)

        await eventually(third_begun)
    positions = [position for position, _ in consuming.committed_at_ack]
    assert positions[:3] == [4, 6, 8]
    for position, committed in consuming.committed_at_ack:
        assert committed == list("abcdefghijkl")[:position]


async def test_a_batch_that_fails_is_acked_once_the_failure_is_kept(consuming: Consuming) -> None:
    consuming.fails = {"b"}
    kept: list[object] = []

    async def look(_: Delivery) -> None:
        kept.extend(await rows(consuming.place.engine, "select state from messaging.open_message"))

    consuming.broker.before_ack = look
    consuming.broker.feed(*batch("a", "b", "c", "d"))
    async with consuming.running():
        await consuming.acked(4)
    assert kept == [("retrying",)]
    assert await notes(consuming.place.engine) == list("acd")


async def test_messages_without_a_handler_are_stored_before_the_ack(consuming: Consuming) -> None:
    kept: list[object] = []

    async def look(_: Delivery) -> None:
        kept.extend(await rows(consuming.place.engine, "select state from messaging.open_message"))

    consuming.broker.before_ack = look
    without_subscribers = delivery(Erased(page=uuid4()))
    unreadable = Delivery(body=b"?", routing_key="test.noted")
    consuming.broker.feed(*batch("a"), without_subscribers, unreadable, *batch("b"))
    async with consuming.running():
        await consuming.acked(4)
    assert len(kept) == 2  # one for a version that knows it, one dead
    assert await notes(consuming.place.engine) == ["a", "b"]


async def test_nothing_is_acked_while_no_transaction_can_begin(consuming: Consuming) -> None:
    """The database ends the session in the middle; the batch stays with the broker."""
    ended: list[bool] = []

    async def end_session(tx: Tx, received: Received[Noted]) -> None:
        ended.append(True)
        await tx.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")

    consuming.consumer = Consumer(
        service="reader",
        transactions=consuming.place.transactions("reader"),
        broker=consuming.broker,
        subscriptions=[on(Noted, end_session, name="reader.notes")],
        batch=4,
    )
    consuming.broker.feed(*batch("a"))
    consuming.broker.feed(*batch("b"))
    async with consuming.running():

        async def twice() -> bool:
            return len(ended) >= 2

        await eventually(twice)
    assert consuming.broker.acked == []
    assert await rows(consuming.place.engine, "select 1 from messaging.inbox") == []
    assert await rows(consuming.place.engine, "select 1 from messaging.open_message") == []


async def test_a_stopped_consumer_finishes_the_batch_at_hand(consuming: Consuming) -> None:
    gate = consuming.gates["a"] = asyncio.Event()
    consuming.broker.feed(*batch("a", "b"))
    async with consuming.running():

        async def begun() -> bool:
            return consuming.calls == ["a"]

        await eventually(begun)
        consuming.consumer.stop()
        gate.set()
        await consuming.acked(2)
    assert await notes(consuming.place.engine) == ["a", "b"]


async def test_a_partitioned_queue_is_not_consumed_directly(consuming: Consuming) -> None:
    """Together with readers of partitions, that would break the order within a key."""
    async with consuming.place.engine.begin() as connection:
        await connection.exec_driver_sql("insert into messaging.spread (partitions) values (3)")
    transactions = MetTransactions(consuming.place.engine, "reader")
    tries = 0

    async def count() -> None:
        nonlocal tries
        tries += 1

    transactions.before_each = count
    consuming.consumer = Consumer(
        service="reader",
        transactions=transactions,
        broker=consuming.broker,
        subscriptions=[on(Noted, consuming.on_noted, name="reader.notes")],
    )
    consuming.broker.feed(*batch("a"))
    async with consuming.running():

        async def tried_again() -> bool:
            return tries > 1

        await eventually(tried_again)
    assert not consuming.broker.consumed.is_set()
    assert consuming.broker.acked == []
