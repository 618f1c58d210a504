"""Paused subscriptions: messages wait in order, and continue in order."""

import asyncio
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.consuming import inbox, pauses
from hirewire.messaging.envelope import Received
from hirewire.messaging.reconciliation import audit
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import AT_ONCE, Reader, noted, notes, write

NAME = "reader.notes"


@pytest.fixture
async def noting(place: Place) -> Place:
    """A database with a table of notes."""
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "create table note (n bigint generated always as identity, text text)"
        )
    return place


@pytest.fixture
def reader(noting: Place) -> Reader:
    """One replica of the service."""
    return Reader(noting)


async def pause(reader: Reader) -> None:
    async with reader.transactions() as tx:
        assert await pauses.pause(tx, NAME, why="a test", by="somebody")
        assert not await pauses.pause(tx, NAME, why="twice")


async def resume(reader: Reader) -> None:
    async with reader.transactions() as tx:
        assert await pauses.resume(tx, NAME)
        assert not await pauses.resume(tx, NAME)


async def test_a_paused_subscription_waits_and_the_others_go_on(reader: Reader) -> None:
    other: list[str] = []

    async def on_other(tx: Tx, received: Received[Noted]) -> None:
        other.append(received.event.text)

    reader.build([reader.subscription, on(Noted, on_other, name="reader.other")])
    pages = [uuid4(), uuid4()]
    await consume(reader.consumer, noted(pages[0], "a1", 1))
    await pause(reader)
    second = Reader(reader.place)  # another replica, and one that starts meanwhile
    await consume(reader.consumer, noted(pages[0], "a2", 2), noted(pages[1], "b1", 1))
    await consume(second.consumer, noted(pages[0], "a3", 3), noted(pages[1], "b2", 2))
    await reader.try_again()
    await second.try_again()
    assert await notes(reader.place.engine) == ["a1"]
    assert other == ["a1", "a2", "b1"]
    assert await reader.counts() == {"retrying": 0, "waiting": 4, "dead": 0}
    await resume(reader)
    await consume(reader.consumer, noted(pages[0], "a4", 4))
    await reader.try_again()
    written = await notes(reader.place.engine)
    assert [text for text in written if text.startswith("a")] == ["a1", "a2", "a3", "a4"]
    assert [text for text in written if text.startswith("b")] == ["b1", "b2"]
    await consume(reader.consumer, noted(pages[0], "a5", 5))
    assert (await notes(reader.place.engine))[-1] == "a5"
    assert not reader.lates


async def test_retries_of_a_paused_subscription_stop(reader: Reader) -> None:
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, noted(page, "1", 1), noted(page, "2", 2))
    await pause(reader)
    reader.broken.clear()
    assert not await reader.retries.step()
    await consume(reader.consumer, noted(page, "3", 3))
    assert await notes(reader.place.engine) == []
    await resume(reader)
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2", "3"]


async def test_a_running_lane_stops_once_it_is_paused(reader: Reader) -> None:
    calls: list[str] = []

    async def handler(tx: Tx, received: Received[Noted]) -> None:
        if received.event.text in reader.broken:
            raise ValueError("broken")
        calls.append(received.event.text)
        async with reader.transactions() as other:
            await pauses.pause(other, NAME, why="a test")

    reader.build([on(Noted, handler, name=NAME, retry=AT_ONCE)])
    reader.broken = {"1", "2", "3"}
    await consume(reader.consumer, *(noted(uuid4(), text, 1) for text in sorted(reader.broken)))
    reader.broken = set()
    working = asyncio.create_task(reader.retries.run())

    async def rests() -> bool:
        return bool(calls) and not reader.retries._tasks

    await eventually(rests)
    working.cancel()
    await asyncio.wait({working})
    assert len(calls) == 1


async def test_a_message_that_fails_after_the_pause_is_as_any_other(reader: Reader) -> None:
    page = uuid4()
    await pause(reader)
    await consume(reader.consumer, *(noted(page, str(n), n) for n in (1, 2, 3)))
    await resume(reader)
    reader.broken = {"2"}
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1"]
    assert await reader.counts() == {"retrying": 0, "waiting": 1, "dead": 1}


async def test_messages_parked_during_a_resume_are_not_left_behind(reader: Reader) -> None:
    page = uuid4()
    await pause(reader)
    async with reader.transactions() as tx:
        invocations = reader.consumer.reader.read([noted(page, "1", 1)]).invocations
        await inbox.park(tx, await inbox.held_back(tx, await inbox.enter(tx, invocations)))
        await resume(reader)
        assert not await reader.retries.step()
        second = asyncio.create_task(consume(reader.consumer, noted(page, "2", 2)))
        await asyncio.sleep(0)
    await second
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2"]


async def test_a_batch_that_began_before_the_pause_keeps_its_place(reader: Reader) -> None:
    """It is handled at once, and messages held back by the pause come after it."""
    page = uuid4()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx, received: Received[Noted]) -> None:
        await write(tx, received.event.text)
        reached.set()
        await go_on.wait()

    reader.build([on(Noted, slow, name=NAME, retry=AT_ONCE)])
    first = asyncio.create_task(consume(reader.consumer, noted(page, "1", 1)))
    await reached.wait()
    await pause(reader)
    second = asyncio.create_task(consume(reader.consumer, noted(page, "2", 2)))
    go_on.set()
    await first
    await second
    assert await notes(reader.place.engine) == ["1"]
    assert await reader.counts() == {"retrying": 0, "waiting": 1, "dead": 0}
    await resume(reader)
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2"]


async def test_where_followers_may_pass_a_pause_keeps_them_in_order(noting: Place) -> None:
    reader = Reader(noting, behind_failed="skip")
    page = uuid4()
    reader.broken = {"1", "3"}
    await consume(reader.consumer, noted(page, "1", 1))
    await reader.try_again()
    await pause(reader)
    for n in (2, 3, 4):
        await consume(reader.consumer, noted(page, str(n), n))
    assert await notes(noting.engine) == []
    await resume(reader)
    await consume(reader.consumer, noted(page, "5", 5))
    assert await notes(noting.engine) == []  # it does not overtake messages that only wait
    await reader.try_again()
    assert await notes(noting.engine) == ["2", "4", "5"]
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 2}
    await consume(reader.consumer, noted(page, "6", 6))
    assert await notes(noting.engine) == ["2", "4", "5", "6"]
    reader.broken.clear()
    await reader.replay()
    await reader.try_again()
    assert set(reader.lates) == {"1", "3"}


async def test_the_audit_shows_what_is_paused_as_waiting(reader: Reader) -> None:
    await pause(reader)
    one = noted(uuid4(), "1", 1)
    await consume(reader.consumer, one)
    id = UUID(one.message_id or "")
    async with reader.transactions() as tx:
        [found] = await audit.states_of(tx, [reader.subscription], {id: Noted.name})
        [paused] = await pauses.paused(tx)
    assert found.state == "waiting"
    assert (paused.subscription, paused.why, paused.by) == (NAME, "a test", "somebody")
