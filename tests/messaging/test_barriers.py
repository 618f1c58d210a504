"""In each queue a barrier follows everything committed before it, or lists the exceptions."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Delivery, Message, Outcome
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.control import BARRIER
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.publishing.subscribers import write_subscribers
from hirewire.messaging.reconciliation import audit, barriers
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import delivery
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import place_with_notes
from tests.messaging.scripted import ScriptedBroker, rows

__all__ = ["place_with_notes"]


@pytest.fixture
async def subscribed(place: Place) -> Place:
    """A writer with two subscribers."""
    connection = await connect(place.url, application="tests")
    async with connection.transaction():
        await write_subscribers(connection, {"test.noted": ["archive", "reader"]})
    await connection.close()
    return place


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
async def relay(subscribed: Place, broker: ScriptedBroker) -> AsyncIterator[Relay]:
    made = Relay(service="writer", database_url=subscribed.url, broker=broker)
    yield made
    await made.close()


async def note(place: Place, text: str, page: UUID | None = None) -> UUID:
    async with place.transactions()() as tx:
        return record(tx, Noted(page=page or uuid4(), text=text))


async def ask(place: Place) -> UUID:
    async with place.transactions()() as tx:
        return await barriers.ask(tx)


async def barrier(place: Place, id: UUID) -> barriers.Barrier:
    async with place.transactions()() as tx:
        found = await barriers.find(tx, id)
    assert found is not None
    return found


def order(messages: Sequence[Message]) -> list[str]:
    """The texts of events, and the receivers of barriers."""
    return [
        f"barrier to {m.to}" if m.type == BARRIER else Noted.model_validate_json(m.body).text
        for m in messages
    ]


async def test_a_barrier_goes_to_every_subscriber_once(
    subscribed: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    await note(subscribed, "before")
    id = await ask(subscribed)
    for _ in range(3):
        await relay.step()
    assert order(broker.taken) == ["before", "barrier to archive", "barrier to reader"]
    found = await barrier(subscribed, id)
    assert (sorted(found.reached), found.unsent) == (["archive", "reader"], 0)
    assert found.published_at is not None


async def test_a_barrier_never_overtakes_what_was_committed_before_it_was_sent(
    subscribed: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    """The second event is committed while the first is in flight, too late for this read."""
    await note(subscribed, "first")

    async def once(_: Sequence[Message]) -> None:
        broker.before_publish = None
        await note(subscribed, "second")
        await ask(subscribed)

    broker.before_publish = once

    async def barrier_sent() -> bool:
        await relay.step()
        return len(broker.taken) >= 4

    await eventually(barrier_sent)
    assert order(broker.taken) == ["first", "second", "barrier to archive", "barrier to reader"]


async def test_a_barrier_lists_events_that_the_broker_refuses(
    subscribed: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    page = uuid4()
    stuck = [await note(subscribed, text, page) for text in ("stuck", "behind")]
    await note(subscribed, "beside")

    def judge(message: Message) -> Outcome:
        return Outcome.REFUSED if b"stuck" in message.body else Outcome.CONFIRMED

    broker.judge = judge
    await relay.step()
    id = await ask(subscribed)

    async def sent() -> bool:
        await relay.step()
        return (await barrier(subscribed, id)).published_at is not None

    await eventually(sent)
    assert order(broker.taken)[:1] == ["beside"]
    assert (await barrier(subscribed, id)).unsent == 2
    async with subscribed.transactions()() as tx:
        behind = await audit.recorded_before(tx, id, since=UUID(int=0), after=UUID(int=0), limit=10)
    assert {one.id for one in behind if one.unsent} == set(stuck)


async def test_a_barrier_that_a_queue_did_not_take_is_sent_there_again(
    subscribed: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    away = {"reader"}
    broker.judge = lambda m: Outcome.UNROUTABLE if m.to in away else Outcome.CONFIRMED
    id = await ask(subscribed)
    await relay.step()
    found = await barrier(subscribed, id)
    assert (list(found.reached), found.published_at) == (["archive"], None)
    away.clear()

    async def sent() -> bool:
        await relay.step()
        return (await barrier(subscribed, id)).published_at is not None

    await eventually(sent)
    assert order(broker.taken) == ["barrier to archive", "barrier to reader"]
    assert sorted((await barrier(subscribed, id)).reached) == ["archive", "reader"]


async def test_events_committed_after_the_barrier_are_not_covered(
    subscribed: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    before = await note(subscribed, "before")
    id = await ask(subscribed)
    await relay.step()
    await note(subscribed, "after")
    await relay.step()
    async with subscribed.transactions()() as tx:
        expected = await audit.recorded_before(
            tx, id, since=UUID(int=0), after=UUID(int=0), limit=10
        )
    assert [(one.id, list(one.subscribers)) for one in expected] == [
        (before, ["archive", "reader"])
    ]


async def test_a_barrier_is_consumed_only_with_all_earlier_events(place_with_notes: Place) -> None:
    """If the batch is not committed, neither is the passing of the barrier."""
    place = place_with_notes
    ends = True

    async def note_down(tx: Tx, received: Received[Noted]) -> None:
        if ends:
            await tx.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
        await tx.exec_driver_sql("insert into note (text) values ($1)", (received.event.text,))

    consumer = Consumer(
        service="reader",
        transactions=place.transactions("reader"),
        broker=ScriptedBroker(),
        subscriptions=[on(Noted, note_down, name="reader.notes")],
    )
    sent = barriers.message(uuid4(), "writer", "reader")
    barrier = Delivery(sent.body, sent.routing_key, sent.headers, sent.id)
    batch = [delivery(Noted(page=uuid4(), text="before")), barrier]
    with pytest.raises(Exception, match=r"terminat|closed|connection"):
        await consumer.handle(batch)
    assert await rows(place.engine, "select fence_id from messaging.fence_heard") == []
    ends = False
    await consumer.handle(batch)
    assert await rows(place.engine, "select text from note") == [("before",)]
    found = await rows(place.engine, "select fence_id::text, queue from messaging.fence_heard")
    assert found == [(sent.id, "hirewire.reader")]
