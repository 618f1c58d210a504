"""Erased people: their events take no effect any more, and their bodies are redacted everywhere."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.messaging import bodies, erasure
from hirewire.messaging.background import Wake
from hirewire.messaging.bodies import BodyStore
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.envelope import Received, decode, message_of
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.reconciliation import audit
from hirewire.messaging.subscriptions import Subscription, on, on_batch
from hirewire.messaging.testing import consume, delivery, recorded
from hirewire.messaging.transaction import Tx
from tests.builders import blocked, counted
from tests.messaging.conftest import Place
from tests.services import NoBroker


class Written(
    Event,
    name="test.written",
    owner="writer",
    key="letter",
    subject="person",
    personal={"text": "-", "place": ...},
):
    """A person has written a letter."""

    letter: UUID
    person: UUID
    text: str
    place: str | None = None
    number: int = 0


class Left(Event, name="test.left", owner="writer", key="person", subject="person", erasure="asks"):
    """A person is erased."""

    person: UUID


ANNA, BORIS = uuid4(), uuid4()
SECRET = "Secretsecret"


def letter(person: UUID = ANNA, **fields: Any) -> Written:
    return Written(letter=uuid4(), person=person, text=SECRET, place=SECRET, **fields)


class Reader:
    """A service that stores letters and erases people."""

    def __init__(self, place: Place, *, batched: bool = False, broken: bool = False) -> None:
        self.place = place
        self.transactions = place.transactions("reader")
        self.got: list[UUID] = []
        self.broken = broken
        self.written = (
            on_batch(Written, self.on_batch, name="reader.letters")
            if batched
            else on(Written, self.on_written, name="reader.letters")
        )
        self.subscriptions: Sequence[Subscription] = (
            self.written,
            on(Left, self.on_left, name="reader.erasure"),
        )
        self.consumer = Consumer(
            service="reader",
            transactions=self.transactions,
            broker=NoBroker(),
            subscriptions=self.subscriptions,
        )

    async def on_written(self, tx: Tx, received: Received[Written]) -> None:
        if self.broken:
            raise ValueError(f"cannot read {received.event.text}")
        self.got.append(received.event.person)

    async def on_batch(self, tx: Tx, received: Sequence[Received[Written]]) -> None:
        self.got += [one.event.person for one in received]

    async def on_left(self, tx: Tx, received: Received[Left]) -> None:
        await erasure.mark(tx, str(received.event.person), uuid4())
        await erasure.redact(tx, str(received.event.person))

    async def states(self, *ids: UUID) -> list[str]:
        async with self.transactions() as tx:
            found = await audit.states_of(tx, self.subscriptions, dict.fromkeys(ids, Written.name))
        return [one.state for one in found]

    async def open(self) -> list[Any]:
        async with self.transactions() as tx:
            rows = await tx.exec_driver_sql(
                "select state, type, body, error, history::text, note, attempts "
                "from messaging.open_message order by arrival"
            )
            return list(rows.all())

    async def retry(self) -> None:
        """Resolve all that is due."""
        retries = Retries(consumer=self.consumer, transactions=self.transactions, wake=Wake())
        task = asyncio.create_task(retries.run())
        async with asyncio.timeout(20):
            while any(row.state in ("retrying", "waiting") for row in await self.open()):
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def erase(place: Place, person: UUID = ANNA, owner: str = "writer") -> int:
    async with place.transactions(owner)() as tx:
        await erasure.mark(tx, str(person), uuid4())
        return await erasure.redact(tx, str(person))


async def write(place: Place, *events: Event) -> None:
    async with place.transactions()() as tx:
        for event in events:
            record(tx, event)


async def test_the_log_keeps_ids_order_and_numbers_and_nothing_else(place: Place) -> None:
    mine, others = letter(number=7), letter(BORIS).model_copy(update={"text": f"for {ANNA}"})
    await write(place, mine, others, Left(person=ANNA))
    before = await recorded(place.engine)
    assert await erase(place) == 1
    after = await recorded(place.engine)
    assert [(r.id, r.key, r.sequence, r.sent) for r in after] == [
        (r.id, r.key, r.sequence, r.sent) for r in before
    ]
    assert after[0].body == {
        "letter": str(mine.letter),
        "person": str(ANNA),
        "text": "-",
        "number": 7,
        "redacted": True,
    }
    assert after[1:] == before[1:]
    assert await erase(place) == 0


@pytest.mark.parametrize("batched", [False, True])
async def test_late_events_about_an_erased_person_have_no_effect(
    place: Place, batched: bool
) -> None:
    reader = Reader(place, batched=batched)
    await consume(reader.consumer, Left(person=ANNA))
    late, other = uuid4(), uuid4()
    await consume(reader.consumer, delivery(letter(), id=late), delivery(letter(BORIS), id=other))
    assert reader.got == [BORIS]
    assert await reader.states(late, other) == ["handled", "handled"]


@pytest.mark.parametrize("batched", [False, True])
async def test_a_batch_with_the_erasure_has_no_effect_for_the_person_in_any_order(
    place: Place, batched: bool
) -> None:
    reader = Reader(place, batched=batched)
    ids = [uuid4(), uuid4()]
    await consume(
        reader.consumer,
        delivery(letter(), id=ids[0]),
        Left(person=ANNA),
        delivery(letter(), id=ids[1]),
    )
    assert reader.got == []
    assert await reader.states(*ids) == ["handled", "handled"]


async def test_unresolved_messages_are_redacted_with_their_errors_and_then_resolved(
    place: Place,
) -> None:
    reader = Reader(place, broken=True)
    first, second = letter(), letter()
    second = second.model_copy(update={"letter": first.letter})
    ids = [uuid4(), uuid4(), uuid4()]
    for id, event in zip(ids, (first, second, letter(BORIS)), strict=True):
        await consume(reader.consumer, delivery(event, id=id, sequence=ids.index(id) + 1))
    async with reader.transactions() as tx:
        await tx.exec_driver_sql(
            "insert into messaging.edit (event_id, subscription, why, by, body_before, body_after) "
            "select event_id, subscription, $1, 'me', body, body from messaging.open_message",
            (SECRET,),
        )
    assert await erase(place, owner="reader") == 4
    retrying, waiting, others = await reader.open()
    assert (retrying.state, waiting.state) == ("retrying", "waiting")
    assert retrying.attempts == 1
    for row in (retrying, waiting):
        assert SECRET not in f"{bytes(row.body)!r} {row.error} {row.history} {row.note}"
        assert json.loads(bytes(row.body))["redacted"] is True
    assert SECRET in f"{bytes(others.body)!r} {others.error}"
    async with reader.transactions() as tx:
        assert [SECRET in str(e) for e in await dead_letters.edits(tx, ids[0])] == [False]
        await tx.exec_driver_sql(
            "update messaging.open_message set next_attempt_at = now() where state = 'retrying'"
        )
    reader.broken = False
    await reader.retry()
    assert reader.got == [BORIS]
    assert await reader.states(*ids) == ["handled"] * 3


async def test_a_message_that_fails_after_the_erasure_is_stored_redacted(place: Place) -> None:
    """Its handler began before the erasure, and its error quotes the person."""
    reader = Reader(place, broken=True)
    invocation = reader.consumer.reader.read_one(delivery(letter())).invocations[0]
    await erase(place, owner="reader")
    await reader.consumer.handler._enter_failed(invocation, ValueError(SECRET))
    [row] = await reader.open()
    assert SECRET not in f"{bytes(row.body)!r} {row.error} {row.history}"


async def test_an_erasure_waits_for_what_is_being_written_for_the_person(place: Place) -> None:
    async with place.transactions("reader")() as tx:
        assert not await erasure.is_erased(tx, str(ANNA))
        erasing = asyncio.create_task(erase(place, owner="reader"))
        await blocked(place.engine, erasing)
    await erasing
    async with place.transactions("reader")() as tx:
        assert await erasure.is_erased(tx, str(ANNA))
        assert not await erasure.is_erased(tx, str(BORIS))


async def test_who_waits_for_an_erasure_sees_it(place: Place) -> None:
    async with place.transactions("reader")() as tx:
        await erasure.mark(tx, str(ANNA), uuid4())

        async def ask() -> bool:
            async with place.transactions("reader")() as other:
                return await erasure.is_erased(other, str(ANNA))

        asking = asyncio.create_task(ask())
        await blocked(place.engine, asking)
    assert await asking


async def test_a_batch_asks_once_who_of_its_people_is_erased(place: Place) -> None:
    reader = Reader(place, batched=True)
    with counted(place.engine) as statements:
        await consume(reader.consumer, *(letter(uuid4()) for _ in range(50)))
    assert len(reader.got) == 50
    assert len([text for text in statements if "erased" in text]) == 1
    assert len(statements) == 2


async def test_an_unreadable_message_that_names_an_erased_person_loses_its_body(
    place: Place,
) -> None:
    reader = Reader(place)
    broken = replace(delivery(letter()), body=f'{{"person":"{ANNA}","text":"{SECRET}'.encode())
    await consume(reader.consumer, broken)
    await erase(place, owner="reader")
    again = replace(broken, message_id=str(uuid4()), headers={**broken.headers, "id": str(uuid4())})
    await consume(reader.consumer, again)
    assert [bytes(row.body) for row in await reader.open()] == [erasure.EMPTY] * 2


async def test_a_redacted_event_is_nothing_for_a_service_that_does_not_know_the_person(
    place: Place,
) -> None:
    await write(place, letter())
    await erase(place)
    [row] = await recorded(place.engine)
    sent = replace(delivery(row.event), body=json.dumps(row.body).encode())
    reader = Reader(place)
    async with reader.transactions() as tx:
        await tx.exec_driver_sql("delete from messaging.erased")
    await consume(reader.consumer, sent)
    assert reader.got == []
    assert decode(sent).redacted
    assert await reader.states(UUID(str(sent.message_id))) == ["handled"]


async def test_a_large_body_is_redacted_in_the_store_and_still_arrives(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BodyStore(tmp_path, threshold=10)
    monkeypatch.setitem(bodies.stores, "writer", store)
    await write(place, letter())
    async with place.engine.connect() as connection:
        found = await connection.exec_driver_sql("select *, body::text as text from messaging.log")
        row = dict(found.mappings().one())
    claim = await store.claim_for(message_of(row | {"body": row["text"]}, "writer"))
    await erase(place)
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert SECRET not in path.read_text()
    arrived = await store.redeem(replace(delivery(letter()), body=b"", headers=dict(claim.headers)))
    assert decode(arrived).redacted


def test_what_no_class_knows_is_left_out_and_what_cannot_be_read_is_emptied() -> None:
    body = letter().body()[:-1] + b',"fullName":"Anna"}'
    assert b"Anna" not in Written.redacted(body)
    assert Written.redacted(b"{") == erasure.EMPTY
    assert Written.redacted(b"[1]") == erasure.EMPTY
