"""The order of a key and fairness between keys, while a relay publishes and marks concurrently."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from uuid import UUID, uuid4

import asyncpg
import pytest

from hirewire.messaging.broker import (
    Broker,
    BrokerUnavailable,
    Message,
    Outcome,
    QueueTopology,
    open_broker,
)
from hirewire.messaging.database import connect
from hirewire.messaging.publishing import pipeline
from hirewire.messaging.publishing.key_queues import LONG
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.publishing.subscribers import write_subscribers
from hirewire.messaging.testing import recorded
from tests.builders import eventually
from tests.messaging.conftest import Erased, Noted, Place
from tests.services import NoBroker

READER = QueueTopology("hirewire.reader", ("test.noted",))
ARCHIVE = QueueTopology("hirewire.archive", ("test.erased",))


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    made = open_broker(broker_url, client="writer")
    await made.declare([READER])
    yield made
    await made.close()


class Scripted(NoBroker):
    """Accepts what the test allows, when the test allows it, and records what it was given."""

    def __init__(self, *, in_a_row: bool = False) -> None:
        self.keeps_order_within_batch = in_a_row
        self.given: list[Message] = []
        self.taken: list[str] = []
        self.outcomes: dict[str, Outcome] = {}
        self.once: dict[str, Outcome] = {}
        """The outcomes of these messages at their first attempt."""
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.given += messages
        await self.open.wait()
        if self.fails:
            raise BrokerUnavailable("for a test")
        answers = []
        for message in messages:
            text = text_of(message.body)
            outcome = self.once.pop(text, self.outcomes.get(text, Outcome.CONFIRMED))
            if outcome is Outcome.CONFIRMED:
                self.taken.append(text)
            answers.append(outcome)
        return answers

    @property
    def given_texts(self) -> list[str]:
        return [text_of(message.body) for message in self.given]


def text_of(body: bytes) -> str:
    return Noted.model_validate_json(body).text


def relay_over(place: Place, broker: Broker) -> Relay:
    return Relay(service="writer", database_url=place.url, broker=broker)


async def note_down(place: Place, key: UUID, *texts: str) -> None:
    async with place.transactions()() as tx:
        for text in texts:
            record(tx, Noted(page=key, text=text))


async def unsent(place: Place) -> list[str]:
    """The texts of events that are not marked as sent, in order."""
    return [row.body["text"] for row in await recorded(place.engine) if not row.sent]


async def listen(place: Place, **services: list[str]) -> None:
    connection = await connect(place.url, application="tests")
    async with connection.transaction():
        await write_subscribers(connection, {f"test.{k}": v for k, v in services.items()})
    await connection.close()


async def test_a_follower_cannot_overtake_while_its_predecessors_pause_ends(place: Place) -> None:
    """One point in time counts for a whole read: the follower is never read without it."""
    page = uuid4()
    await note_down(place, page, "first", *(f"{n}" for n in range(400)))
    connection = await connect(place.url, application="tests")
    for _ in range(40):
        await connection.execute(
            "update messaging.outbox set next_attempt_at = clock_timestamp() + interval '6 ms' "
            "where position = (select min(position) from messaging.outbox)"
        )
        read: list[asyncpg.Record] = []
        while not read:
            read = await connection.fetch(pipeline._UNSENT, 2000, [], [], 10**9)
        assert '"first"' in read[0]["body"]
    await connection.close()


@pytest.mark.parametrize("in_a_row", [False, True])
async def test_an_event_that_is_refused_holds_back_all_behind_it(
    place: Place, in_a_row: bool
) -> None:
    broker = Scripted(in_a_row=in_a_row)
    broker.outcomes = {"2": Outcome.REFUSED}
    if in_a_row:
        broker.outcomes |= {"3": Outcome.HELD_BACK, "4": Outcome.HELD_BACK}
    page = uuid4()
    await note_down(place, page, "1", "2", "3", "4")
    await note_down(place, uuid4(), "beside")
    relay = relay_over(place, broker)
    while await relay.step():
        pass
    assert sorted(broker.taken) == ["1", "beside"]
    assert await unsent(place) == ["2", "3", "4"]
    broker.outcomes = {}
    connection = await connect(place.url, application="tests")
    await connection.execute("update messaging.outbox set next_attempt_at = now()")
    await connection.close()
    while await relay.step():
        pass
    assert [text for text in broker.taken if text != "beside"] == ["1", "2", "3", "4"]
    await relay.close()


async def test_events_held_back_behind_one_that_nobody_consumes_follow_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, and before events that were not passed to the broker with it. The broker returned
    it, and its subscriber has left meanwhile: it counts as sent.
    """
    monkeypatch.setattr(pipeline, "CHUNK", 3)
    broker = Scripted(in_a_row=True)
    broker.once = {"1": Outcome.UNROUTABLE, "2": Outcome.HELD_BACK, "3": Outcome.HELD_BACK}
    await note_down(place, uuid4(), "1", "2", "3", "4", "5")
    relay = relay_over(place, broker)
    while await relay.step():
        pass
    assert broker.once == {}
    assert broker.taken == ["2", "3", "4", "5"]
    assert await unsent(place) == []
    await relay.close()


async def test_the_next_event_of_a_key_waits_for_the_confirm_of_the_one_before(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "STEP_SECONDS", 30.0)
    broker = Scripted()
    broker.open.clear()
    page = uuid4()
    await note_down(place, page, "1", "2", "3")
    relay = relay_over(place, broker)
    step = asyncio.create_task(relay.step())

    async def given() -> bool:
        return bool(broker.given)

    await eventually(given)
    await note_down(place, uuid4(), "beside")
    relay.wake()

    async def beside_too() -> bool:
        return "beside" in broker.given_texts

    await eventually(beside_too)
    assert sorted(broker.given_texts) == ["1", "beside"]
    broker.open.set()
    await step
    assert [t for t in broker.given_texts if t != "beside"] == ["1", "2", "3"]
    await relay.close()


async def test_nothing_more_is_published_once_the_leaders_connection_is_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if no database query would reveal the loss."""
    monkeypatch.setattr(pipeline, "STEP_SECONDS", 30.0)
    monkeypatch.setattr(pipeline, "LEAST_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(pipeline, "BEAT_SECONDS", 60.0)
    broker = Scripted()
    broker.open.clear()
    await note_down(place, uuid4(), *(f"{n}" for n in range(50)))
    relay = relay_over(place, broker)
    step = asyncio.create_task(relay.step())

    async def given() -> bool:
        return bool(broker.given)

    await eventually(given)
    connection = await connect(place.url, application="tests")
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'writer relay'"
    )
    await connection.close()

    async def lost() -> bool:
        return relay._session is None or relay._session.is_closed

    await eventually(lost)
    broker.open.set()
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await step
    assert broker.given_texts == ["0"]
    assert len(await unsent(place)) == 50
    while await relay.step():
        pass
    assert broker.taken[-50:] == [f"{n}" for n in range(50)]
    await relay.close()


async def test_events_confirmed_before_the_broker_was_lost_are_marked(place: Place) -> None:
    broker = Scripted()
    page = uuid4()
    await note_down(place, page, *(f"{n}" for n in range(20)))
    relay = relay_over(place, broker)
    original = broker.publish

    async def publish(messages: Sequence[Message]) -> Sequence[Outcome]:
        broker.fails = text_of(messages[0].body) == "10"
        return await original(messages)

    broker.publish = publish  # type: ignore[method-assign]
    with pytest.raises(BrokerUnavailable):
        await relay.step()
    assert await unsent(place) == [f"{n}" for n in range(10, 20)]
    await relay.close()


async def test_a_long_backlog_of_one_key_does_not_keep_the_others_waiting(
    place: Place, broker: Broker
) -> None:
    """The whole backlog is written first; the others are still published long before its end."""
    hot = uuid4()
    for _ in range(10):
        await note_down(place, hot, *["hot"] * 2000)
    for n in range(50):
        await note_down(place, uuid4(), f"cold {n}")
    relay = relay_over(place, broker)
    running = asyncio.create_task(relay.run())
    left = 0

    async def others_are_sent() -> bool:
        nonlocal left
        async with place.engine.connect() as connection:
            found = await connection.exec_driver_sql(
                "select count(*) filter (where key <> $1) as others, count(*) as all_of_them "
                "from messaging.outbox",
                (str(hot),),
            )
            row = found.one()
            left = row.all_of_them
        return not row.others

    await eventually(others_are_sent)
    assert left > 12_000, "most of the backlog is still there"
    await note_down(place, uuid4(), "late")
    relay.wake()
    await eventually(others_are_sent)
    assert left > 2000
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_backlog_of_one_key_keeps_its_order(place: Place, broker: Broker) -> None:
    """It takes several reads, with marking behind and other keys in between."""
    hot, count = uuid4(), 3 * LONG + 7
    await note_down(place, hot, *(f"{n}" for n in range(count)))
    await note_down(place, uuid4(), "beside")
    relay = relay_over(place, broker)
    while await relay.step():
        pass
    assert await unsent(place) == []
    texts: list[str] = []
    async with asyncio.timeout(30), aclosing(broker.deliveries(READER, limit=500)) as batches:
        async for batch in batches:
            texts += [text_of(one.body) for one in batch]
            await broker.ack(batch[-1])
            if len(texts) > count:
                break
    assert [text for text in texts if text != "beside"] == [f"{n}" for n in range(count)]
    await relay.close()


async def test_only_events_with_subscribers_are_mandatory(place: Place) -> None:
    broker = Scripted()
    await listen(place, noted=["reader"])
    async with place.transactions()() as tx:
        record(tx, Noted(page=uuid4(), text="consumed"))
        record(tx, Erased(page=uuid4()))
    relay = relay_over(place, broker)
    await relay.step()
    assert {m.type: m.mandatory for m in broker.given} == {
        "test.noted": True,
        "test.erased": False,
    }
    await listen(place, noted=["reader"], erased=["archive"])
    async with place.transactions()() as tx:
        record(tx, Erased(page=uuid4()))
    await relay.step()
    assert broker.given[-1].mandatory
    await relay.close()


async def test_an_unroutable_event_holds_back_its_key_over_a_real_broker(
    place: Place, broker: Broker
) -> None:
    """However the broker keeps the order; afterwards everything follows."""
    await listen(place, noted=["reader"], erased=["archive"])
    page = uuid4()
    async with place.transactions()() as tx:
        record(tx, Noted(page=page, text="before"))
        record(tx, Erased(page=page))
        for n in range(5):
            record(tx, Noted(page=page, text=f"{n}"))
    relay = relay_over(place, broker)
    while await relay.step():
        pass
    assert [row.sent for row in await recorded(place.engine)] == [True] + [False] * 6
    await broker.declare([READER, ARCHIVE])

    async def mended() -> bool:
        with suppress(BrokerUnavailable):
            await relay.step()
        return not [row for row in await recorded(place.engine) if not row.sent]

    await eventually(mended)
    texts: list[str] = []
    async with asyncio.timeout(30), aclosing(broker.deliveries(READER, limit=10)) as batches:
        async for batch in batches:
            texts += [text_of(one.body) for one in batch]
            await broker.ack(batch[-1])
            if len(texts) == 6:
                break
    assert texts == ["before", "0", "1", "2", "3", "4"]
    await relay.close()
