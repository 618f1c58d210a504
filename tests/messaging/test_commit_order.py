"""Within a key, position, sequence and commit have the same order, whoever waits for whom."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.envelope import Received, decode
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import delivery, recorded
from hirewire.messaging.transaction import Tx, wake_after
from tests.messaging.conftest import Noted, Place
from tests.messaging.scripted import ScriptedBroker, lock_awaited, rows

_LOCK_COUNTER = "select last from messaging.counter where key = $1 for update"


async def note(place: Place, page: UUID, *texts: str) -> None:
    async with place.transactions()() as tx:
        for text in texts:
            record(tx, Noted(page=page, text=text))


async def in_order_of_position(place: Place, page: object) -> list[tuple[object, ...]]:
    return await rows(
        place.engine,
        "select sequence, body::jsonb->>'text' from messaging.log where key = $1 order by position",
        str(page),
    )


@pytest.mark.parametrize("count", [1, 2])
async def test_the_position_is_drawn_while_the_key_is_locked(place: Place, count: int) -> None:
    """A transaction that waits for the key's counter follows the one that holds it, also by
    position.
    """
    page = uuid4()
    await note(place, page, "first")
    async with place.transactions()() as tx:
        await tx.exec_driver_sql(_LOCK_COUNTER, (str(page),))
        late = asyncio.create_task(note(place, page, *["late"] * count))
        await lock_awaited(place.engine)
        for _ in range(count):
            record(tx, Noted(page=page, text="early"))
    await late
    texts = ["first", *["early"] * count, *["late"] * count]
    assert await in_order_of_position(place, page) == list(enumerate(texts, start=1))


async def test_events_of_one_transaction_keep_the_order_of_recording(place: Place) -> None:
    page, other = uuid4(), uuid4()
    for start in (0, 5):  # again, with an existing counter
        async with place.transactions()() as tx:
            for n in range(start, start + 5):
                record(tx, Noted(page=page, text=str(n)))
                record(tx, Noted(page=other, text=str(n)))
    for key in (page, other):
        assert await in_order_of_position(place, key) == [(n + 1, str(n)) for n in range(10)]
    all_rows = await recorded(place.engine)
    assert [row.body["text"] for row in all_rows] == [str(n) for n in range(10) for _ in "ab"]


async def test_keys_are_locked_in_one_order_whatever_the_order_of_recording(place: Place) -> None:
    """Two transactions never deadlock: this one waits without holding a lock."""
    low, high = sorted((uuid4(), uuid4()), key=str)
    for page in (low, high):
        await note(place, page, "first")

    async def write_high_first() -> None:
        async with place.transactions()() as tx:
            record(tx, Noted(page=high))
            record(tx, Noted(page=low))

    async with place.engine.begin() as holder:
        await holder.exec_driver_sql(_LOCK_COUNTER, (str(low),))
        writing = asyncio.create_task(write_high_first())
        await lock_awaited(place.engine)
        # it waits for the lower key, so the higher one is free
        await holder.exec_driver_sql(f"{_LOCK_COUNTER} nowait", (str(high),))
    await writing


async def test_a_failed_commit_does_not_wake_the_relay(place: Place) -> None:
    woken: list[bool] = []
    transactions = place.transactions()
    transactions.committed = lambda: woken.append(True)
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "create table promise (n int unique deferrable initially deferred)"
        )

    async def fail_at_the_commit() -> None:
        async with transactions() as tx:
            await tx.exec_driver_sql("insert into promise values (1), (1)")
            record(tx, Noted(page=uuid4()))

    with pytest.raises(DBAPIError):
        await fail_at_the_commit()
    assert not woken
    assert await recorded(place.engine) == []


async def test_a_transaction_may_wake_the_relay_without_an_event(place: Place) -> None:
    woken: list[bool] = []
    transactions = place.transactions()
    transactions.committed = lambda: woken.append(True)
    async with transactions():
        pass
    assert not woken
    async with transactions() as tx:
        wake_after(tx)
    assert woken == [True]


async def test_events_recorded_by_a_handler_have_the_handled_event_as_cause(place: Place) -> None:
    """Events recorded afterwards do not."""

    async def answer(tx: Tx, received: Received[Noted]) -> None:
        record(tx, Noted(page=uuid4(), text=f"answer to {received.event.text}"))
        record(tx, Noted(page=uuid4(), text="to a cause that is named"), cause=named)

    consumer = Consumer(
        service="writer",
        transactions=place.transactions(),
        broker=ScriptedBroker(),
        subscriptions=[on(Noted, answer, name="writer.answer")],
    )
    question = delivery(Noted(page=uuid4(), text="question"))
    named = decode(delivery(Noted(page=uuid4())))
    await consumer.handle([question])
    await note(place, uuid4(), "of itself")
    found = {row.body["text"]: row for row in await recorded(place.engine)}
    answered = found["answer to question"].headers
    assert answered["causationid"] == question.headers["id"]
    assert answered["correlationid"] == question.headers["correlationid"]
    assert found["to a cause that is named"].headers["causationid"] == str(named.id)
    itself = found["of itself"]
    assert itself.headers["correlationid"] == str(itself.id)
    assert "causationid" not in itself.headers
