"""Time limits of handlers, and the effect of a stop in the middle of one."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from hirewire.messaging.consuming import start_attempts
from hirewire.messaging.consuming.poison_guard import GUARD_AFTER, MAX_START_ATTEMPTS
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Tx
from tests.builders import blocked
from tests.messaging.conftest import Noted
from tests.messaging.faults import dead, reader, reads_with
from tests.messaging.readers import Reader, noted, notes, write

__all__ = ["reader"]


async def test_stops_in_a_slow_handler_dead_letter_nothing(reader: Reader) -> None:
    note = replace(noted(uuid4(), "note", 1), delivery_count=GUARD_AFTER)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(tx: Tx, received: Received[Noted]) -> None:
        begun.set()
        await go_on.wait()
        await write(tx, received.event.text)

    for _ in range(MAX_START_ATTEMPTS + 2):
        consumer = reads_with(reader, handler)  # a new process each time
        task = asyncio.create_task(consumer.handle([note]))
        await begun.wait()
        begun.clear()
        consumer.stop()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    go_on.set()
    await reads_with(reader, handler).handle([note])
    assert await notes(reader.place.engine) == ["note"]
    assert await dead(reader) == []


async def test_a_start_attempt_is_removed_even_while_its_commit_is_in_flight(
    reader: Reader,
) -> None:
    fingerprint, instance = uuid4(), uuid4()

    async def forget() -> None:
        async with reader.transactions() as tx:
            await start_attempts.forget(tx, fingerprint, instance)

    async with reader.transactions() as tx:
        assert await start_attempts.count(tx, fingerprint, instance) == 1
        forgetting = asyncio.create_task(forget())
        await blocked(reader.place.engine, forgetting)
    await forgetting
    async with reader.transactions() as tx:
        assert await start_attempts.count(tx, fingerprint, uuid4()) == 1


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_handler_has_a_time_limit(reader: Reader, swallows: bool) -> None:
    async def handler(tx: Tx, received: Received[Noted]) -> None:
        await write(tx, received.event.text)
        if received.event.text == "slow":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if not swallows:
                    raise

    reads_with(
        reader,
        handler,
        time_limit=timedelta(seconds=0.05),
        retry=RetrySchedule(attempts=1),
    )
    page = uuid4()
    await consume(
        reader.consumer,
        noted(page, "before", 1),
        noted(page, "slow", 2),
        noted(page, "behind", 3),
        noted(uuid4(), "other", 1),
    )
    assert await notes(reader.place.engine) == ["before", "other"]
    [message] = await dead(reader)
    assert "longer than its time limit of 0.05 s" in (message.error or "")
    assert message.waiting_behind == 1


@pytest.mark.parametrize(
    ("limit", "idle"), [(1, "40s"), (30, "40s"), (31, "41s"), (600, "610s"), (10**9, "2000000s")]
)
async def test_a_handler_may_wait_in_its_transaction_as_long_as_its_time_limit(
    reader: Reader, limit: int, idle: str
) -> None:
    """PostgreSQL would end the session of a handler that waits for something else."""
    seen: list[bool] = []

    async def handler(tx: Tx, received: Received[Noted]) -> None:
        same = "select current_setting('idle_in_transaction_session_timeout')::interval = $1"
        interval = timedelta(seconds=int(idle[:-1]))
        seen.append(bool((await tx.exec_driver_sql(same, (interval,))).scalar()))

    reads_with(reader, handler, time_limit=timedelta(seconds=limit))
    await consume(reader.consumer, noted(uuid4(), "x", 1))
    assert seen == [True]


@pytest.mark.parametrize("seconds", [0.05, 60])
async def test_each_call_of_a_batch_has_its_own_time_limit(reader: Reader, seconds: float) -> None:
    """A hanging call after a fast one is ended, whichever has the longer limit."""
    once = RetrySchedule(attempts=1)

    async def quick(tx: Tx, received: Received[Noted]) -> None:
        await asyncio.sleep(0.03 if seconds < 1 else 0)

    async def hangs(tx: Tx, received: Received[Noted]) -> None:
        await asyncio.sleep(60)

    limits = {"quick": timedelta(seconds=seconds), "hangs": timedelta(seconds=0.05)}
    reader.build(
        [
            on(Noted, quick, name="reader.quick", retry=once, time_limit=limits["quick"]),
            on(Noted, hangs, name="reader.hangs", retry=once, time_limit=limits["hangs"]),
        ]
    )
    async with asyncio.timeout(8):
        await consume(reader.consumer, noted(uuid4(), "x", 1))
    [message] = await dead(reader)
    assert message.subscription == "reader.hangs"
    assert "time limit of 0.05 s" in (message.error or "")


async def test_a_time_limit_within_a_statement_is_the_handlers_fault(reader: Reader) -> None:
    async def handler(tx: Tx, received: Received[Noted]) -> None:
        await tx.exec_driver_sql("select pg_sleep(60)")

    reads_with(reader, handler, time_limit=timedelta(seconds=0.05))
    await consume(reader.consumer, noted(uuid4(), "slow", 1))
    [message] = await dead(reader)
    assert (message.state, message.attempts) == ("retrying", 1)
