"""The partition router acks forwarded messages only, and changes the number at one point."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from hirewire.messaging import control
from hirewire.messaging.broker import Delivery, Message, Outcome, QueueTopology
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.partitions import (
    SENT_BY,
    PartitionRouter,
    handed_on,
    taken_over,
    topology_of,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.reconciliation import barriers, cutover
from hirewire.messaging.spreading import partition_of
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import noted, notes, place_with_notes, write
from tests.messaging.scripted import MetTransactions, ScriptedBroker, rows

__all__ = ["place_with_notes"]

OWN = QueueTopology("hirewire.reader", ("test.noted",))


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def spread(place: Place, broker: ScriptedBroker) -> Callable[[int], PartitionRouter]:
    def make(count: int) -> PartitionRouter:
        return PartitionRouter(
            service="reader",
            topology=OWN,
            transactions=place.transactions("reader"),
            broker=broker,
            count=count,
        )

    return make


@asynccontextmanager
async def running(router: PartitionRouter) -> AsyncIterator[None]:
    task = asyncio.create_task(router.run())
    try:
        yield
    finally:
        router.stop()
        await task


def texts(messages: Sequence[Message]) -> list[str]:
    return [
        "mark" if m.headers["type"] == control.BARRIER else Noted.model_validate_json(m.body).text
        for m in messages
    ]


def through(topology: QueueTopology) -> str:
    """The routing key of a partition's queue."""
    return topology.bindings[0].removesuffix("#") + "message"


async def until(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds)


async def test_nothing_is_acked_before_the_partitions_have_it(
    spread: Callable[[int], PartitionRouter], broker: ScriptedBroker
) -> None:
    taken_at_ack: list[list[str]] = []

    async def look(_: Delivery) -> None:
        taken_at_ack.append(texts(broker.taken))

    broker.before_ack = look
    page = uuid4()
    broker.feed(*(noted(page, str(n), n) for n in (1, 2, 3)))
    async with running(spread(3)):
        await until(lambda: broker.acked == [3])
    assert taken_at_ack == [["1", "2", "3"]]


async def test_messages_refused_by_a_partition_are_not_acked(
    spread: Callable[[int], PartitionRouter], broker: ScriptedBroker
) -> None:
    broker.judge = lambda _: Outcome.UNROUTABLE
    broker.feed(noted(uuid4(), "1", 1))
    async with running(spread(3)):
        await until(lambda: len(broker.offered) == 1)
        broker.feed(noted(uuid4(), "2", 1))  # it has restarted
        await until(lambda: len(broker.offered) == 2)
        assert broker.acked == []


async def test_a_message_never_overtakes_a_refused_one_of_its_key(
    spread: Callable[[int], PartitionRouter], broker: ScriptedBroker
) -> None:
    page = uuid4()
    batch = [noted(page, str(n), n) for n in range(1, 6)]
    refusals = 1

    def judge(message: Message) -> Outcome:
        nonlocal refusals
        if texts([message]) == ["3"] and refusals:
            refusals -= 1
            return Outcome.REFUSED
        return Outcome.CONFIRMED

    broker.judge = judge
    broker.feed(*batch)
    async with running(spread(2)):
        await until(lambda: not refusals)
        broker.feed(*batch)  # returned, and delivered again
        await until(lambda: bool(broker.acked))
    assert texts(broker.taken) == ["1", "2", "1", "2", "3", "4", "5"]


async def test_a_key_has_one_partition_for_all_senders(
    spread: Callable[[int], PartitionRouter], broker: ScriptedBroker
) -> None:
    """Even if an external publisher sends no key: it is taken from the body."""
    pages = [uuid4() for _ in range(12)]
    own = [noted(page, "own", 1) for page in pages]
    strange = [
        Delivery(body=Noted(page=page, text="strange").body(), routing_key="test.noted")
        for page in pages
    ]
    broker.feed(*own, *strange)
    async with running(spread(4)):
        await until(lambda: bool(broker.acked))
    for page in pages:
        mine = {m.routing_key for m in broker.taken if str(page).encode() in m.body}
        assert mine == {through(topology_of("reader", partition_of(str(page), 4)))}


def test_the_partition_of_a_key_never_changes() -> None:
    """It is independent of process, version and machine: replicas and releases must agree."""
    assert [partition_of(key, 7) for key in ("", "a", "b", "ключ", "0" * 100)] == [5, 6, 0, 2, 3]


async def test_a_barrier_goes_to_every_partition(
    spread: Callable[[int], PartitionRouter], broker: ScriptedBroker
) -> None:
    sent = barriers.message(uuid4(), "writer", "reader")
    broker.feed(Delivery(sent.body, sent.routing_key, sent.headers, sent.id))
    async with running(spread(3)):
        await until(lambda: bool(broker.acked))
    assert sorted(m.routing_key for m in broker.taken) == [
        through(topology_of("reader", n)) for n in range(3)
    ]


async def test_a_new_number_begins_once_all_of_the_old_one_is_handled(
    place: Place, spread: Callable[[int], PartitionRouter], broker: ScriptedBroker
) -> None:
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("insert into messaging.spread (partitions) values (2)")
    broker.feed(noted(uuid4(), "new", 1))
    transactions = MetTransactions(place.engine, "reader")
    looks = 0

    async def count() -> None:
        nonlocal looks
        looks += 1

    transactions.before_each = count
    router = PartitionRouter(
        service="reader", topology=OWN, transactions=transactions, broker=broker, count=5
    )
    async with running(router):
        await until(lambda: len(broker.taken) == 2)
        assert texts(broker.taken) == ["mark", "mark"]
        assert sorted(m.routing_key for m in broker.taken) == [
            through(topology_of("reader", n)) for n in range(2)
        ]
        for n in range(2):
            seen = looks
            await until(lambda seen=seen: looks > seen + 1)  # type: ignore[misc]
            assert len(broker.taken) == 2
            # a process that ends now must repeat the change
            assert await rows(place.engine, "select partitions from messaging.spread") == [(2,)]
            mark = broker.taken[n]
            delivered = Delivery(mark.body, mark.routing_key, mark.headers, mark.id)
            async with place.transactions("reader")() as tx:
                await barriers.note_passed(tx, [delivered], topology_of("reader", n).queue)
        await until(lambda: bool(broker.acked))
    assert texts(broker.taken) == ["mark", "mark", "new"]
    assert await rows(place.engine, "select partitions from messaging.spread") == [(5,)]


async def test_new_partitions_know_of_the_replays_that_are_open(
    place: Place, spread: Callable[[int], PartitionRouter], broker: ScriptedBroker
) -> None:
    """Before anything else arrives; and of an ended one, that it has ended."""
    present, over = (cutover.low_watermark("writer", uuid4(), ["test.noted"], 1) for _ in range(2))
    async with place.transactions("reader")() as tx:
        await cutover.note(tx, [present], OWN.queue)
        await cutover.note(tx, [over], topology_of("reader", 2).queue)
    page = uuid4()
    broker.feed(noted(page, "first", 1))
    async with running(spread(3)):
        await until(lambda: bool(broker.acked))
    found = [
        (m.routing_key, m.headers.get("edge", "none"), UUID(m.headers["id"])) for m in broker.taken
    ]
    queues = [through(topology_of("reader", n)) for n in range(3)]
    begun = [(queue, "begin", present.replay) for queue in queues]
    assert found[:-1] == [*begun[:2], (queues[2], "end", over.replay), begun[2]]
    assert found[-1][:2] == (queues[partition_of(str(page), 3)], "none")


@pytest.mark.parametrize("sender", [None, "stranger"])
def test_a_message_cannot_claim_its_sender(sender: str | None) -> None:
    """Only the broker does, for the message as it came to the service."""
    headers = {"type": "test.noted", SENT_BY: "writer"}
    came = Delivery(b"{}", "test.noted", headers, user_id=sender)
    message = handed_on(came, "reader", 0, "k")
    arrived = Delivery(b"{}", message.routing_key, message.headers, message.id, user_id="reader")
    assert taken_over(arrived).user_id == sender


async def test_the_verified_sender_survives_forwarding(
    place_with_notes: Place,
) -> None:
    """A forged message is refused after the partition router as it is before it."""

    async def note_down(tx: Tx, received: Received[Noted]) -> None:
        await write(tx, received.event.text)

    consumer = Consumer(
        service="reader",
        transactions=place_with_notes.transactions("reader"),
        broker=ScriptedBroker(),
        subscriptions=[on(Noted, note_down, name="reader.notes")],
        services=frozenset({"writer", "reader", "stranger"}),
        topology=topology_of("reader", 0),
        restore=taken_over,
    )
    for sender in ("stranger", "writer", None):
        body = Noted(page=uuid4(), text=f"by {sender}").body()
        original = Delivery(body=body, routing_key="test.noted", user_id=sender)
        message = handed_on(original, "reader", 0, "k")
        # the broker now names the reader itself as the sender
        await consumer.handle(
            [Delivery(body, message.routing_key, message.headers, message.id, user_id="reader")]
        )
    assert await notes(place_with_notes.engine) == ["by writer", "by None"]
