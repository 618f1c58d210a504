"""The audit: which events each subscriber should have consumed, and the state of each."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Delivery, Message, Outcome, QueueTopology
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.introduction import introduce
from hirewire.messaging.lineage import raise_by_hand
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.publishing.subscribers import write_subscribers
from hirewire.messaging.reconciliation import audit, barriers
from hirewire.messaging.reconciliation.audit import Found, Ledger
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import consume, delivery
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Erased, Noted, Place
from tests.messaging.readers import Reader, noted, place_with_notes, reader
from tests.messaging.scripted import ScriptedBroker, rows

__all__ = ["place_with_notes", "reader"]


async def note(place: Place, text: str = "") -> UUID:
    async with place.transactions()() as tx:
        return record(tx, Noted(page=uuid4(), text=text))


async def subscribers(place: Place, **consumed: Sequence[str]) -> None:
    connection = await connect(place.url, application="tests")
    async with connection.transaction():
        await write_subscribers(connection, {f"test.{name}": who for name, who in consumed.items()})
    await connection.close()


async def expected(place: Place) -> dict[UUID, list[str]]:
    """The expected subscribers of the events that a barrier recorded now covers."""
    async with place.transactions()() as tx:
        id = await barriers.ask(tx)
    relay = Relay(service="writer", database_url=place.url, broker=ScriptedBroker())
    await relay.step()
    await relay.close()
    async with place.transactions()() as tx:
        found = await audit.recorded_before(tx, id, since=UUID(int=0), after=UUID(int=0), limit=100)
    return {one.id: list(one.subscribers) for one in found}


async def test_an_event_is_expected_at_the_subscribers_of_its_time(
    place: Place,
) -> None:
    nobody = await note(place)
    await subscribers(place, noted=["early"], erased=["other"])
    first = await note(place)
    await subscribers(place, noted=["early", "late"])
    second = await note(place)
    await subscribers(place, noted=["late"])
    third = await note(place)
    # A service that has left is expected to have consumed nothing, including past events.
    assert await expected(place) == {
        nobody: [],
        first: [],
        second: ["late"],
        third: ["late"],
    }
    assert [row[0] for row in await rows(place.engine, _STILL)] == ["late"]


_STILL = "select service from messaging.listener where until is null order by 1"


async def test_a_service_that_comes_back_should_consume_again(place: Place) -> None:
    await subscribers(place, noted=["reader"])
    await subscribers(place, noted=[])
    missed = await note(place)
    await subscribers(place, noted=["reader"])
    received = await note(place)
    assert await expected(place) == {missed: [], received: ["reader"]}


async def test_transaction_ids_of_another_lineage_are_not_compared(
    place: Place,
) -> None:
    """By its transaction ids alone, the subscribers of a restored database came long after the new
    events.
    """
    await subscribers(place, noted=["reader"])
    former = await note(place)
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.listener set since = '9000000000000000000'"
        )
    owner = await connect(place.url, application="tests")
    await raise_by_hand(owner, "writer", "a test")
    await owner.close()
    async with place.engine.begin() as connection:  # not unsent, so not of this lineage
        await connection.exec_driver_sql("update messaging.log set epoch = 0")
    present = await note(place)
    assert await expected(place) == {former: [], present: ["reader"]}


async def test_writing_the_list_again_changes_nothing(place: Place) -> None:
    await subscribers(place, noted=["reader"])
    before = await rows(place.engine, "select * from messaging.listener")
    id = await note(place)
    await subscribers(place, noted=["reader"])
    assert await rows(place.engine, "select * from messaging.listener") == before
    assert await expected(place) == {id: ["reader"]}


async def test_the_list_is_read_page_by_page_without_a_gap(place: Place) -> None:
    await subscribers(place, noted=["reader"])
    ids = [await note(place) for _ in range(7)]
    async with place.transactions()() as tx:
        barrier = await barriers.ask(tx)
    relay = Relay(service="writer", database_url=place.url, broker=ScriptedBroker())
    await relay.step()
    await relay.close()
    found: list[UUID] = []
    async with place.transactions()() as tx:
        for _ in range(4):
            after = found[-1] if found else UUID(int=0)
            page = await audit.recorded_before(tx, barrier, since=UUID(int=0), after=after, limit=3)
            found += [one.id for one in page]
        since = await audit.recorded_before(tx, barrier, since=ids[5], after=UUID(int=0), limit=100)
    assert found == sorted(ids)
    assert [one.id for one in since] == sorted(ids)[5:]


async def states(reader: Reader, events: Mapping[UUID, str]) -> dict[UUID, Found]:
    async with reader.transactions() as tx:
        found = await audit.states_of(tx, reader.consumer.subscriptions, events)
    assert len(found) == len({one.id for one in found})
    return {one.id: one for one in found}


async def test_every_event_is_in_the_one_state_that_its_reader_knows(reader: Reader) -> None:
    page, other = uuid4(), uuid4()
    batch = {text: noted(page, text, n) for n, text in enumerate(("ok", "bad", "behind"), 1)}
    batch |= {text: noted(uuid4(), text, 1) for text in ("dead", "given up")}
    late = [noted(other, "later", 2), noted(other, "late", 1)]
    reader.broken = {"bad", "dead", "given up"}
    await consume(reader.consumer, batch["dead"], batch["given up"])
    await reader.try_again()
    await consume(reader.consumer, batch["ok"], batch["bad"], batch["behind"], *late)
    async with reader.transactions() as tx:
        given_up = UUID(batch["given up"].headers["id"])
        await dead_letters.discard(tx, given_up, why="a test", by="me")
    unknown = noted(uuid4(), "unknown", 1)
    asked = {UUID(d.headers["id"]): "test.noted" for d in (*batch.values(), *late, unknown)}
    found = await states(reader, asked)

    def state(one: Delivery) -> str:
        return found[UUID(one.headers["id"])].state

    assert {text: state(one) for text, one in batch.items()} == {
        "ok": "handled",
        "bad": "retrying",
        "behind": "waiting",
        "dead": "dead",
        "given up": "discarded",
    }
    assert state(unknown) == "missing"
    assert [found[UUID(one.headers["id"])].late for one in late] == [False, True]
    assert (found[given_up].note, found[given_up].by) == ("a test", "me")


async def test_of_two_handlers_the_worse_state_counts(reader: Reader) -> None:
    async def fine(tx: Tx, received: Received[Noted]) -> None:
        pass

    one = noted(uuid4(), "1", 1)
    id = UUID(one.headers["id"])
    reader.build([reader.subscription, on(Noted, fine, name="reader.also")])
    reader.broken = {"1"}
    await consume(reader.consumer, one)
    assert (await states(reader, {id: "test.noted"}))[id].state == "retrying"
    await reader.try_again()
    assert (await states(reader, {id: "test.noted"}))[id].state == "dead"
    reader.broken = set()
    await reader.replay()
    await reader.try_again()
    assert (await states(reader, {id: "test.noted"}))[id].state == "handled"


async def test_an_unreadable_event_is_dead_and_not_missing(reader: Reader) -> None:
    bad = delivery(Erased(page=uuid4()))
    bad.headers = {**bad.headers, "type": "test.noted"}
    bad.body = b"{}"
    await consume(reader.consumer, bad)
    id = UUID(bad.headers["id"])
    assert (await states(reader, {id: "test.noted"}))[id].state == "dead"


@pytest.mark.parametrize(("behind_barrier", "state"), [(True, "missing"), (False, "in flight")])
def test_an_unknown_event_is_missing_only_after_a_barrier(behind_barrier: bool, state: str) -> None:
    gone, unsent, unasked, fine = (uuid4() for _ in range(4))
    account = Ledger()
    asked = dict.fromkeys((gone, unsent, unasked, fine), "test.noted")
    account.expect([audit.Expected(uuid4(), "test.noted", [])])
    ask = account.expect(
        [audit.Expected(id, type, ["reader"], id == unsent) for id, type in asked.items()]
    )
    assert ask == {"reader": asked}
    known = {gone: "missing", unsent: "missing", fine: "handled"}
    found = [Found(id, known[id], id == fine, None, None) for id in known]
    account.enter("reader", asked, found, behind_barrier=behind_barrier)
    line = account.lines["reader"]
    counts = {"in flight": 1, "handled": 1, "missing": 1}  # an event without a handler
    counts[state] = counts.get(state, 0) + 1
    assert {name: n for name, n in line.counts.items() if n} == counts
    assert set(line.missing) == ({gone, unasked} if behind_barrier else {unasked})
    assert (line.late, line.adds_up, account.recorded, account.without_subscribers) == (
        1,
        True,
        5,
        1,
    )


class Watching(ScriptedBroker):
    """Records the list of subscribers at each declaration and publication."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.steps: list[str] = []

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        [(count,)] = await rows(self.place.engine, "select count(*) from messaging.listener")
        bound = sorted(name for queue in queues for name in queue.types)
        self.steps.append(f"bound to {','.join(bound) or 'nothing'}, {count} on the list")

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.steps.append(f"{messages[0].headers.get('edge')} to {messages[0].to}")
        return await super().publish(messages)


async def test_a_queue_is_bound_before_its_service_is_on_the_list(place: Place) -> None:
    """Otherwise an event would be expected at a queue that could not get it."""
    broker = Watching(place)
    owner = await connect(place.url, application="tests")
    queue = QueueTopology("hirewire.reader", ("test.noted",))
    await introduce(broker, {"writer": owner}, [queue])
    assert broker.steps == ["bound to test.noted, 0 on the list"]
    assert await rows(place.engine, _STILL) == [("reader",)]
    await owner.close()


async def test_a_newcomer_is_bound_behind_the_watermark_of_its_history(place: Place) -> None:
    broker = Watching(place)
    owner = await connect(place.url, application="tests")
    queue = QueueTopology("hirewire.reader", ("test.noted",))
    await introduce(broker, {"writer": owner}, [queue], past={("reader", "test.noted")})
    assert broker.steps == [
        "bound to nothing, 0 on the list",
        "begin to reader",
        "bound to test.noted, 0 on the list",
    ]
    asked = await rows(
        place.engine, "select kind, asked->>'to', asked->>'types' from messaging.job"
    )
    assert asked == [("replay", "reader", '["test.noted"]')]
    broker.steps.clear()
    await introduce(broker, {"writer": owner}, [queue], past={("reader", "test.noted")})
    assert broker.steps == ["bound to test.noted, 1 on the list"]  # it is no longer new
    await owner.close()
