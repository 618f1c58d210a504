"""An event leaves the outbox once the broker has it, and never overtakes one of its key."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import BrokerUnavailable, Message, Outcome
from hirewire.messaging.database import connect
from hirewire.messaging.publishing import pipeline
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.publishing.subscribers import write_subscribers
from hirewire.messaging.testing import recorded
from tests.builders import eventually
from tests.messaging.conftest import Erased, Noted, Place
from tests.messaging.scripted import ScriptedBroker, lock_awaited, rows, unavailable

BATCH = 2000
"""More than a relay reads at once."""


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
async def relay(place: Place, broker: ScriptedBroker) -> AsyncIterator[Relay]:
    made = Relay(service="writer", database_url=place.url, broker=broker)
    yield made
    await made.close()


async def note(place: Place, page: UUID, *texts: str) -> None:
    async with place.transactions()() as tx:
        for text in texts:
            record(tx, Noted(page=page, text=text))


def texts(messages: Sequence[Message]) -> list[str]:
    return [Noted.model_validate_json(message.body).text for message in messages]


async def unsent(place: Place) -> list[str]:
    return [row.body["text"] for row in await recorded(place.engine) if not row.sent]


async def due_again(place: Place) -> None:
    """As if the pause after a refusal were over."""
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.outbox set next_attempt_at = clock_timestamp() - interval '1 s' "
            "where next_attempt_at is not null"
        )


async def test_a_refused_event_and_its_followers_stay_unsent(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    page, other = uuid4(), uuid4()
    await note(place, page, "1", "2", "3")
    await note(place, other, "a", "b")
    refused = {"1"}

    def judge(message: Message) -> Outcome:
        return Outcome.REFUSED if set(texts([message])) & refused else Outcome.CONFIRMED

    broker.judge = judge
    while await relay.step():
        pass
    assert texts(broker.taken) == ["a", "b"]
    assert await unsent(place) == ["1", "2", "3"]
    await note(place, page, "4")  # recorded after the refusal: it also stays behind
    await note(place, uuid4(), "c")
    await relay.step()
    assert texts(broker.taken) == ["a", "b", "c"]
    refused.clear()
    await due_again(place)
    while await relay.step():
        pass
    assert texts(broker.taken) == ["a", "b", "c", "1", "2", "3", "4"]
    assert await unsent(place) == []


async def test_a_refused_event_is_tried_again_after_growing_pauses(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    await note(place, uuid4(), "1")
    broker.judge = lambda _: Outcome.REFUSED
    pauses = []
    for _ in range(4):
        await due_again(place)
        await relay.step()
        [(attempts, pause)] = await rows(
            place.engine,
            "select attempts, extract(epoch from next_attempt_at - clock_timestamp())::float8 "
            "from messaging.outbox",
        )
        assert isinstance(pause, float)
        pauses.append(pause)
    assert attempts == 4
    assert len(broker.offered) == 4
    assert pauses == sorted(pauses)
    assert pauses[-1] > 1


async def test_an_unroutable_event_counts_as_sent_only_without_subscribers(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    connection = await connect(place.url, application="tests")
    async with connection.transaction():
        await write_subscribers(connection, {"test.noted": ["reader"]})
    await connection.close()
    page = uuid4()
    await note(place, page, "consumed")
    async with place.transactions()() as tx:
        record(tx, Erased(page=uuid4()))
    broker.judge = lambda _: Outcome.UNROUTABLE
    while await relay.step():
        pass
    assert [row.sent for row in await recorded(place.engine)] == [False, True]
    broker.judge = lambda _: Outcome.CONFIRMED
    await due_again(place)
    await relay.step()
    assert await unsent(place) == []


async def test_nothing_is_marked_before_the_brokers_confirm(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    await note(place, uuid4(), "1")
    seen: list[list[str]] = []

    async def look(_: Sequence[Message]) -> None:
        seen.append(await unsent(place))

    broker.before_publish = look
    await relay.step()
    assert seen == [["1"]]
    assert await unsent(place) == []


async def test_events_stay_unsent_when_the_broker_is_lost(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    page = uuid4()
    await note(place, page, "1", "2")

    async def fail(_: Sequence[Message]) -> None:
        raise unavailable()

    broker.before_publish = fail
    with pytest.raises(BrokerUnavailable):
        await relay.step()
    assert await unsent(place) == ["1", "2"]
    broker.before_publish = None
    while await relay.step():
        pass
    assert texts(broker.taken) == ["1", "2"]


async def test_a_backlog_over_several_reads_is_published_once_and_in_order(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    """The broker is slow, so that the outbox is read again while many events are in flight."""
    pages = [uuid4() for _ in range(BATCH // 3)]
    count = BATCH + BATCH // 2
    async with place.transactions()() as tx:
        for n in range(count):
            record(tx, Noted(page=pages[n % len(pages)], text=str(n)))

    async def slow(_: Sequence[Message]) -> None:
        await asyncio.sleep(0.02)

    broker.before_publish = slow
    while await relay.step():
        pass
    assert await unsent(place) == []
    assert max(Counter(texts(broker.taken)).values()) == 1
    assert len(broker.taken) == count
    for page in pages:
        mine = [int(text) for text in texts([m for m in broker.taken if m.key == str(page)])]
        assert mine == sorted(mine)


async def test_confirmed_events_that_are_not_yet_marked_are_not_read_again(
    place: Place, relay: Relay, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read returns one event; while the second is in flight, the first stays unmarked."""
    monkeypatch.setattr(pipeline, "BATCH", 1)
    monkeypatch.setattr(pipeline, "MARK_SECONDS", 30.0)
    monkeypatch.setattr(pipeline, "STEP_SECONDS", 30.0)
    for text in "123":
        await note(place, uuid4(), text)
    offered_three = asyncio.Event()

    async def wait(messages: Sequence[Message]) -> None:
        if len(broker.offered) == 3:
            offered_three.set()
        if texts(messages) == ["2"]:
            await offered_three.wait()

    broker.before_publish = wait
    while await relay.step():
        pass
    assert texts(broker.offered) == ["1", "2", "3"]
    assert await unsent(place) == []


async def test_the_earliest_events_are_published_first(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    async with place.transactions()() as tx:
        for n in range(BATCH + 10):
            record(tx, Noted(page=uuid4(), text=str(n)))
    late = set(map(str, range(BATCH, BATCH + 10)))
    await relay.step()
    assert not set(texts(broker.taken[: BATCH // 2])) & late


async def test_a_refusal_holds_back_later_events_of_the_key_already_read(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    page = uuid4()
    await note(place, page, *map(str, range(10)))
    times = Counter[str]()

    def judge(message: Message) -> Outcome:
        [text] = texts([message])
        times[text] += 1
        return Outcome.REFUSED if text in "369" and times[text] == 1 else Outcome.CONFIRMED

    broker.judge = judge

    async def all_sent() -> bool:
        await due_again(place)
        await relay.step()
        return not await unsent(place)

    await eventually(all_sent)
    assert texts(broker.taken) == list(map(str, range(10)))


async def test_no_two_chunks_in_flight_share_a_key(
    place: Place, relay: Relay, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small events that went together are followed by large ones, each in a chunk of its own."""
    monkeypatch.setattr(pipeline, "CHUNK_BYTES", 2000)
    await note(place, uuid4(), *map(str, range(8)), *(f"{n}" * 3000 for n in range(4)))
    under_way: list[str] = []
    overlaps: list[str] = []

    async def look(messages: Sequence[Message]) -> None:
        keys = {message.key for message in messages}
        overlaps.extend(keys & set(under_way))
        under_way.extend(keys)
        await asyncio.sleep(0)  # chunks passed to the broker concurrently meet here
        for key in keys:
            under_way.remove(key)

    broker.before_publish = look
    while await relay.step():
        pass
    assert len(broker.taken) == 12
    assert overlaps == []


async def test_events_read_while_an_earlier_one_is_refused_stay_behind_it(
    place: Place, relay: Relay, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read has begun before the refusal, and ends after it."""
    monkeypatch.setattr(pipeline, "STEP_SECONDS", 30.0)
    page = uuid4()
    await note(place, page, "1")
    given, answer = asyncio.Event(), asyncio.Event()

    async def wait(_: Sequence[Message]) -> None:
        given.set()
        await answer.wait()

    broker.before_publish = wait
    broker.judge = lambda _: Outcome.REFUSED
    step = asyncio.create_task(relay.step())
    await given.wait()
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("lock table messaging.listener in access exclusive mode")
        await note(place, page, "2")
        await lock_awaited(place.engine, step)
        assert not step.done()
        answer.set()
        for _ in range(5):  # time in which the relay learns of the refusal
            await rows(place.engine, "select 1")
    await step
    assert texts(broker.offered) == ["1"]
    broker.judge = lambda _: Outcome.CONFIRMED
    await due_again(place)
    await relay.step()
    assert texts(broker.taken) == ["1", "2"]


async def test_only_the_leader_publishes(place: Place, broker: ScriptedBroker) -> None:
    """Even after the leader has lost its connection and the leadership without noticing."""
    relays = [Relay(service="writer", database_url=place.url, broker=broker) for _ in range(2)]
    await relays[0].step()
    await note(place, uuid4(), "1")
    await relays[1].step()
    assert broker.offered == []
    assert await unsent(place) == ["1"]
    connection = await connect(place.url, application="tests")
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' "
        "and database = (select oid from pg_database where datname = current_database())"
    )
    await connection.close()

    async def taken_over() -> bool:
        await relays[1].step()
        return relays[1].leads

    await eventually(taken_over)
    await note(place, uuid4(), "2")
    offered = len(broker.offered)
    for _ in range(3):  # the former leader may notice only by an error that its connection is lost
        with suppress(Exception):
            await relays[0].step()
    assert len(broker.offered) == offered
    assert not relays[0].leads
    await relays[1].step()
    assert texts(broker.taken) == ["1", "2"]
    for relay in relays:
        await relay.close()


async def test_a_refused_event_is_not_tried_before_its_time(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    await note(place, uuid4(), "1")
    broker.judge = lambda _: Outcome.REFUSED
    await relay.step()
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.outbox set next_attempt_at = clock_timestamp() + interval '1 h'"
        )
    broker.judge = lambda _: Outcome.CONFIRMED
    await relay.step()
    assert broker.taken == []
