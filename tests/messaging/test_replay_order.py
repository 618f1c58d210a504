"""A replay sends the log's events in order, once, however often it is interrupted."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from hirewire.messaging import requests
from hirewire.messaging.broker import Message, Outcome
from hirewire.messaging.database import connect
from hirewire.messaging.publishing import replay
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.publishing.subscribers import write_subscribers
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.scripted import ScriptedBroker, rows

TYPES = ["test.noted"]


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
async def relay(place: Place, broker: ScriptedBroker) -> AsyncIterator[Relay]:
    connection = await connect(place.url, application="tests")
    async with connection.transaction():
        await write_subscribers(connection, {"test.noted": ["reader"]})
    await connection.close()
    made = Relay(service="writer", database_url=place.url, broker=broker)
    yield made
    await made.close()


async def note(place: Place, page: UUID, *texts: str) -> None:
    async with place.transactions()() as tx:
        for text in texts:
            record(tx, Noted(page=page, text=text))


async def ask(place: Place, *, repeated: bool = False, **asked: object) -> UUID:
    async with place.transactions()() as tx:
        wish = {"to": "reader", "types": TYPES, **asked}
        return (await requests.ask(tx, "replay", wish, by="tests", again=repeated))[0]


async def until_done(place: Place, relay: Relay, id: UUID) -> requests.Request:
    async def done() -> requests.Request | None:
        await relay.step()
        async with place.transactions()() as tx:
            request = await requests.find(tx, id)
        return request if request is not None and request.state == "done" else None

    found = await eventually(done)
    assert isinstance(found, requests.Request)
    return found


def sent_to_reader(messages: Sequence[Message]) -> list[str]:
    return [
        Noted.model_validate_json(m.body).text
        for m in messages
        if m.to == "reader" and m.type == "test.noted"
    ]


async def test_a_replay_is_in_order_and_reports_its_count(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    page = uuid4()
    await note(place, page, *map(str, range(10)))
    await note(place, uuid4(), *map(str, range(10, 15)))
    await relay.step()
    request = await until_done(place, relay, await ask(place))
    replayed = sent_to_reader(broker.taken)
    assert sorted(map(int, replayed)) == list(range(15))
    assert [t for t in replayed if int(t) < 10] == list(map(str, range(10)))
    assert (request.done, request.total) == (15, 15)


async def test_a_replay_in_many_chunks_misses_and_repeats_nothing(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    pages = [uuid4() for _ in range(500)]
    count = 2 * replay.PIECE + 10
    async with place.transactions()() as tx:
        for n in range(count):
            record(tx, Noted(page=pages[n % 500], text=str(n)))
    while await relay.step():
        pass
    await until_done(place, relay, await ask(place))
    replayed = list(map(int, sent_to_reader(broker.taken)))
    assert sorted(replayed) == list(range(count))
    for nth in range(500):
        mine = [n for n in replayed if n % 500 == nth]
        assert mine == sorted(mine)


@pytest.mark.parametrize("holds_back", [True, False])
async def test_a_refused_chunk_is_sent_again(
    place: Place, relay: Relay, broker: ScriptedBroker, holds_back: bool
) -> None:
    """Nothing of the key overtakes the refused event, whatever the broker accepts of other keys,
    and whether or not it stops after a refusal itself.
    """
    broker.keeps_order_within_batch = holds_back
    page = uuid4()
    await note(place, page, *"12345")
    await note(place, uuid4(), *"abcde")
    await relay.step()
    refusals = 2

    def judge(message: Message) -> Outcome:
        nonlocal refusals
        if sent_to_reader([message]) == ["3"] and refusals:
            refusals -= 1
            return Outcome.REFUSED
        return Outcome.CONFIRMED

    broker.judge = judge
    await until_done(place, relay, await ask(place))
    replayed = [text for text in sent_to_reader(broker.taken) if text in "12345"]
    assert replayed[-5:] == list("12345")
    assert set(replayed[:-5]) <= {"1", "2"}  # never one after the refused event


async def test_a_chunk_is_done_only_when_it_was_accepted(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    await note(place, uuid4(), "1")
    await relay.step()
    id = await ask(place)
    broker.judge = lambda m: Outcome.UNROUTABLE if m.to else Outcome.CONFIRMED
    for _ in range(4):
        await relay.step()
    async with place.transactions()() as tx:
        request = await requests.find(tx, id)
    assert request is not None
    assert (request.state, request.done) == ("open", 0)
    broker.judge = lambda _: Outcome.CONFIRMED
    await until_done(place, relay, id)
    assert sent_to_reader(broker.taken) == ["1"]


async def test_a_repeated_event_has_a_new_stable_id_and_no_sequence(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    """It takes effect again, but not twice more when a chunk is sent again."""
    await note(place, uuid4(), "1", "2")
    await relay.step()
    [first, second] = broker.taken
    refusals = 1

    def judge(message: Message) -> Outcome:
        nonlocal refusals
        if sent_to_reader([message]) == ["2"] and refusals:
            refusals -= 1
            return Outcome.REFUSED
        return Outcome.CONFIRMED

    broker.judge = judge
    await until_done(place, relay, await ask(place, again=True))
    again = [m for m in broker.taken if m.to == "reader"]
    ones = [m for m in again if sent_to_reader([m]) == ["1"]]
    assert len(ones) >= 2  # the chunk was sent twice
    assert len({m.id for m in ones}) == 1
    assert ones[0].id != first.id
    assert ones[0].headers["replayof"] == first.id
    assert UUID(ones[0].id).int >> 80 == UUID(first.id).int >> 80  # of the same millisecond
    assert all("sequence" not in m.headers for m in again)
    assert {m.id for m in again} & {first.id, second.id} == set()
    before = {m.id for m in again}
    await until_done(place, relay, await ask(place, repeated=True, again=True))
    later = {m.id for m in broker.taken if m.to == "reader"} - before
    assert len(later) == 2  # another request is another repeat


async def test_requesting_twice_makes_one_request(place: Place) -> None:
    first, second = await ask(place, key="k"), await ask(place, key="k")
    assert first == second
    assert await ask(place, key="other") != first
    assert await ask(place, key="k", repeated=True) != first


async def test_only_the_requested_events_are_sent(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    page, other = uuid4(), uuid4()
    await note(place, page, "a", "b")
    await note(place, other, "c")
    await relay.step()
    [(id_of_c,)] = await rows(
        place.engine, "select id::text from messaging.log where key = $1", str(other)
    )
    await until_done(place, relay, await ask(place, key=str(page)))
    assert sent_to_reader(broker.taken) == ["a", "b"]
    await until_done(place, relay, await ask(place, ids=[id_of_c]))
    assert sent_to_reader(broker.taken) == ["a", "b", "c"]


async def test_a_replay_with_cutover_includes_events_recorded_meanwhile(
    place: Place, relay: Relay, broker: ScriptedBroker
) -> None:
    """Each event once, in order, between one begin and one end; later events are live."""
    page = uuid4()
    await note(place, page, "1", "2")
    await relay.step()

    async def meanwhile(messages: Sequence[Message]) -> None:
        if sent_to_reader(messages):
            broker.before_publish = None
            await note(place, page, "3", "4")

    broker.before_publish = meanwhile
    await until_done(place, relay, await ask(place, handover=True))
    while await relay.step():
        pass
    await note(place, page, "5")
    await relay.step()
    directed = [
        m.headers["edge"] if "edge" in m.headers else Noted.model_validate_json(m.body).text
        for m in broker.taken
        if m.to == "reader"
    ]
    assert directed == ["begin", "1", "2", "3", "4", "end"]
    live = [Noted.model_validate_json(m.body).text for m in broker.taken if m.to is None]
    assert live == list("12345")
