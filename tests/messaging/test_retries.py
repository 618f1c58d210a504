"""Retries: lanes, batches of waiting messages, claims that outlive their process, ordered keys."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from hirewire.messaging.consuming import claims, dead_letters, inbox
from hirewire.messaging.consuming.lanes import Patience
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.subscriptions import on, on_batch
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Tx
from tests.builders import blocked
from tests.messaging.conftest import Noted
from tests.messaging.readers import (
    AT_ONCE,
    NAME,
    Reader,
    noted,
    notes,
    place_with_notes,
    reader,
    write,
)
from tests.messaging.retrying import Gate, patient, running, until

__all__ = ["place_with_notes", "reader"]


async def test_messages_that_are_not_due_are_not_retried_with_due_ones(reader: Reader) -> None:
    """Also once several are claimed at a time."""
    hour = timedelta(hours=1)
    reader.subscription = on(
        Noted, reader.on_noted, name=NAME, retry=RetrySchedule(first=hour, longest=hour)
    )
    reader.build([reader.subscription])
    reader.broken = {"later", "due", "due too", "due as well"}
    await consume(reader.consumer, *(noted(uuid4(), text, 1) for text in sorted(reader.broken)))
    async with reader.transactions() as tx:
        await tx.exec_driver_sql(
            "update messaging.open_message set next_attempt_at = clock_timestamp() "
            "where convert_from(body, 'utf8')::json ->> 'text' <> 'later'"
        )
    reader.broken, reader.calls = set(), []
    await reader.try_again()
    assert sorted(reader.calls) == ["due", "due as well", "due too"]
    assert await reader.counts() == {"retrying": 1, "waiting": 0, "dead": 0}


async def test_waiting_messages_are_resolved_in_batches(reader: Reader) -> None:
    sizes: list[int] = []
    broken = {"0"}

    async def many(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        sizes.append(len(received))
        for one in received:
            if one.event.text in broken:
                raise ValueError("broken")
            await write(tx, one.event.text)

    reader.build([on_batch(Noted, many, name=NAME, retry=AT_ONCE)])
    page = uuid4()
    await consume(reader.consumer, *(noted(page, str(n), n + 1) for n in range(200)))
    await reader.try_again()
    assert await reader.counts() == {"retrying": 0, "waiting": 199, "dead": 1}
    sizes.clear()
    broken.clear()
    await reader.replay()
    await reader.try_again()
    assert await notes(reader.place.engine) == [str(n) for n in range(200)]
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 0}
    assert sum(sizes) == 200
    assert max(sizes) > 20


async def test_many_keys_that_failed_together_are_resolved_together(reader: Reader) -> None:
    calls: list[int] = []
    away = True

    async def many(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        calls.append(len(received))
        if away:
            raise ValueError("away")
        for one in received:
            await write(tx, one.event.text)

    retry = RetrySchedule(attempts=5, first=timedelta(0))
    reader.build([on_batch(Noted, many, name=NAME, retry=retry)])
    pages = [uuid4() for _ in range(40)]
    await consume(
        reader.consumer,
        *(noted(page, f"{n}.{k}", k) for k in (1, 2) for n, page in enumerate(pages)),
    )
    assert await reader.counts() == {"retrying": 40, "waiting": 40, "dead": 0}
    away = False
    calls.clear()
    await reader.try_again()
    written = await notes(reader.place.engine)
    assert sorted(written) == sorted(f"{n}.{k}" for k in (1, 2) for n in range(40))
    assert all(written.index(f"{n}.1") < written.index(f"{n}.2") for n in range(40))
    assert max(calls) > 10


async def test_while_everything_fails_an_attempt_costs_one_call(reader: Reader) -> None:
    texts = [str(n) for n in range(10)]
    reader.broken = set(texts)
    await consume(reader.consumer, *(noted(uuid4(), text, 1) for text in texts))
    reader.calls.clear()
    await reader.try_again()
    assert (await reader.counts())["dead"] == 10
    assert len(reader.calls) == 10 * (AT_ONCE.attempts - 1)


async def test_a_poison_message_among_waiting_ones_costs_them_no_attempt(reader: Reader) -> None:
    page = uuid4()
    reader.broken = {"0", "30"}
    await consume(reader.consumer, *(noted(page, str(n), n + 1) for n in range(40)))
    await reader.try_again()
    reader.broken = {"30"}
    await reader.replay()
    await reader.try_again()
    assert await notes(reader.place.engine) == [str(n) for n in range(30)]
    assert await reader.counts() == {"retrying": 0, "waiting": 9, "dead": 1}
    async with reader.transactions() as tx:
        [dead] = await dead_letters.open_messages(tx)
        assert [line["attempt"] for line in dead.history] == [1, 2, 3]
        waiting = await dead_letters.open_messages(tx, states=("waiting",))
        assert {message.attempts for message in waiting} == {0}


async def test_a_poison_message_costs_other_keys_no_attempt(reader: Reader) -> None:
    """Also if they were claimed together, and all of them failed."""
    many = RetrySchedule(attempts=9, first=timedelta(0))
    reader.build([on(Noted, reader.on_noted, name=NAME, retry=many)])
    messages = {str(n): noted(uuid4(), str(n), 1) for n in range(8)}
    reader.broken = set(messages)
    await consume(reader.consumer, *messages.values())
    reader.broken = {"5"}
    spent: set[int] = set()
    while len(await notes(reader.place.engine)) < 7:
        assert await reader.retries.step()
        async with reader.transactions() as tx:
            left = await dead_letters.open_messages(tx, states=("retrying", "dead"))
        poison = UUID(messages["5"].headers["id"])
        spent |= {message.attempts for message in left if message.event_id != poison}
    assert spent == {1}


async def test_a_busy_key_leaves_its_lane(reader: Reader) -> None:
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, *(noted(page, str(n), n) for n in range(1, 50)))
    await reader.try_again()
    received = 49
    left = asyncio.Event()

    async def arrive() -> None:
        nonlocal received
        while not left.is_set():
            received += 1
            await consume(reader.consumer, noted(page, str(received), received))

    async def nothing_open() -> bool:
        return not any((await reader.counts()).values())

    reader.broken.clear()
    await reader.replay()
    async with running(reader), asyncio.TaskGroup() as group:
        group.create_task(arrive())
        await until(nothing_open)
        left.set()
    await reader.try_again()
    assert await notes(reader.place.engine) == [str(n) for n in range(1, received + 1)]
    assert not reader.lates


async def test_large_messages_are_claimed_a_few_at_a_time(reader: Reader) -> None:
    sizes: list[int] = []
    broken = True

    async def many(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        sizes.append(sum(len(one.event.text) for one in received))
        if broken:
            raise ValueError("broken")

    reader.build([on_batch(Noted, many, name=NAME, retry=AT_ONCE)])
    page = uuid4()
    for n in range(1, 13):
        await consume(reader.consumer, noted(page, "x" * 2_000_000, n))
    await reader.try_again()
    broken = False
    sizes.clear()
    await reader.replay()
    await reader.try_again()
    assert sum(sizes) == 12 * 2_000_000
    assert max(sizes) <= claims.MOST_BYTES


async def test_a_slow_handler_delays_its_own_lane_only(reader: Reader) -> None:
    gate, tried = Gate(), {"slow": 0, "quick": 0}

    async def slow(tx: Tx, received: Received[Noted]) -> None:
        tried["slow"] += 1
        if tried["slow"] <= 2:
            raise ValueError("broken")
        await gate.pass_through()

    async def quick(tx: Tx, received: Received[Noted]) -> None:
        tried["quick"] += 1
        if tried["quick"] <= 2:
            raise ValueError("broken")
        await write(tx, "quick")

    reader.build(
        [
            on(Noted, slow, name="reader.slow", retry=AT_ONCE),
            on(Noted, quick, name="reader.quick", retry=AT_ONCE),
        ]
    )
    async with running(reader):
        await consume(reader.consumer, noted(uuid4(), "1", 1))
        await gate.reached.wait()

        async def written() -> bool:
            return await notes(reader.place.engine) == ["quick"]

        async with asyncio.timeout(30):
            await until(written)
        gate.open.set()

        async def nothing_open() -> bool:
            return not any((await reader.counts()).values())

        await until(nothing_open)


async def test_an_arrival_does_not_wait_for_a_slow_retry_of_its_key(reader: Reader) -> None:
    gate, page = Gate(), uuid4()
    failures = 2

    async def slow(tx: Tx, received: Received[Noted]) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise ValueError("broken")
        if received.event.text == "1":
            await gate.pass_through()
        await write(tx, received.event.text)

    reader.build([on(Noted, slow, name=NAME, retry=AT_ONCE)])
    await consume(reader.consumer, noted(page, "1", 1))
    step = asyncio.create_task(reader.retries.step())
    await gate.reached.wait()
    async with asyncio.timeout(30):
        await consume(reader.consumer, noted(page, "2", 2), noted(uuid4(), "other", 1))
    assert await notes(reader.place.engine) == ["other"]
    gate.open.set()
    await step
    await reader.try_again()
    assert await notes(reader.place.engine) == ["other", "1", "2"]


async def test_a_follower_that_arrives_at_the_end_is_not_left_behind(reader: Reader) -> None:
    """It saw the message before it as unresolved, and commits after that was handled."""
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, noted(page, "1", 1))
    reader.broken.clear()
    async with reader.transactions() as tx:
        invocations = reader.consumer.reader.read([noted(page, "2", 2)]).invocations
        await inbox.park(tx, await inbox.held_back(tx, await inbox.enter(tx, invocations)))
        step = asyncio.create_task(reader.retries.step())
        await blocked(reader.place.engine, step)
    await step
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2"]
    await consume(reader.consumer, noted(page, "3", 3))
    assert await notes(reader.place.engine) == ["1", "2", "3"]


async def test_two_replicas_finish_one_backlog_in_order(reader: Reader) -> None:
    pages = [uuid4() for _ in range(5)]
    reader.broken = {f"{n}.1" for n in range(5)}
    batch = [noted(page, f"{n}.{k}", k) for k in range(1, 31) for n, page in enumerate(pages)]
    await consume(reader.consumer, *batch)
    await reader.try_again()
    readers = [Reader(reader.place) for _ in range(2)]
    for one in readers:
        patient(one, Patience())
    await reader.replay()

    async def nothing_open() -> bool:
        return not any((await reader.counts()).values())

    async with running(readers[0]), running(readers[1]):
        await until(nothing_open)
    written = await notes(reader.place.engine)
    for n in range(5):
        mine = [text for text in written if text.startswith(f"{n}.")]
        assert mine == [f"{n}.{k}" for k in range(1, 31)]


async def test_each_late_event_of_a_batch_is_marked(reader: Reader) -> None:
    """The events arrived in another order than they were recorded in."""
    page = uuid4()
    reader.broken = {"1"}
    arriving = (("1", 1), ("4", 4), ("3", 3), ("5", 5), ("2", 2), ("6", 6))
    await consume(reader.consumer, *(noted(page, text, n) for text, n in arriving))
    reader.broken.clear()
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "4", "3", "5", "2", "6"]
    assert reader.lates == ["3", "2"]
    async with reader.transactions() as tx:
        result = await tx.exec_driver_sql("select count(*) from messaging.inbox where late")
        assert result.scalar_one() == 2
    await consume(reader.consumer, noted(page, "late", 5))
    assert reader.lates == ["3", "2", "late"]
