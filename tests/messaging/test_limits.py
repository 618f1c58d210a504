"""Limits of a subscription: a rate and a number in parallel, with each key in order."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.background import Wake
from hirewire.messaging.consuming import rate_limits
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.envelope import Received
from hirewire.messaging.subscriptions import Rate, on
from hirewire.messaging.testing import consume, delivery
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Erased, Noted, Place
from tests.services import NoBroker

HOUR = timedelta(hours=1)


class Limited:
    """A reader of notes with limits, and of erased pages without."""

    def __init__(self, place: Place, **limits: Any) -> None:
        self.done: list[tuple[UUID, str]] = []
        self.erased = 0
        self.running = 0
        self.most_running = 0
        self.gate: asyncio.Event | None = None
        wake = Wake()
        self.transactions = place.transactions("reader")
        self.consumer = Consumer(
            service="reader",
            transactions=self.transactions,
            broker=NoBroker(),
            subscriptions=[
                on(Noted, self.on_noted, name="reader.notes", **limits),
                on(Erased, self.on_erased, name="reader.erased"),
            ],
            wake=wake,
        )
        self.retries = Retries(consumer=self.consumer, transactions=self.transactions, wake=wake)

    async def on_noted(self, tx: Tx, received: Received[Noted]) -> None:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if self.gate is not None:
                await self.gate.wait()
            self.done.append((received.event.page, received.event.text))
        finally:
            self.running -= 1

    async def on_erased(self, tx: Tx, received: Received[Erased]) -> None:
        self.erased += 1

    async def consume(self, pages: list[UUID], each: int) -> None:
        await consume(
            self.consumer,
            *(
                delivery(Noted(page=page, text=f"{nth}"), sequence=nth)
                for nth in range(1, each + 1)
                for page in pages
            ),
            Erased(page=uuid4()),
        )

    def in_order(self, pages: list[UUID], each: int) -> bool:
        return all(
            [text for page, text in self.done if page == one]
            == [f"{nth}" for nth in range(1, each + 1)]
            for one in pages
        )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_rate_limits_messages_per_period(place: Place) -> None:
    reader = Limited(place, rate=Rate(5, HOUR))
    pages = [uuid4() for _ in range(4)]
    await reader.consume(pages, 3)
    assert (reader.done, reader.erased) == ([], 1)  # stored, and no other subscription is delayed
    while await reader.retries.step():
        pass
    assert len(reader.done) == 5
    async with reader.transactions() as tx:
        await tx.exec_driver_sql(
            "update messaging.allowance set counted_at = counted_at - interval '1 day'"
        )
    while await reader.retries.step():
        pass
    assert len(reader.done) == 10  # the limit at most, after any idle time
    async with reader.transactions() as tx:
        await tx.exec_driver_sql(
            "update messaging.allowance set counted_at = counted_at - interval '1 day'"
        )
    while await reader.retries.step():
        pass
    assert reader.in_order(pages, 3)


async def test_the_rate_is_of_all_replicas_together(place: Place) -> None:
    first = Limited(place, rate=Rate(6, HOUR))
    second = Limited(place, rate=Rate(6, HOUR))
    await first.consume([uuid4() for _ in range(20)], 1)

    async def work(one: Limited) -> None:
        while await one.retries.step():
            pass

    await asyncio.gather(work(first), work(second))
    assert len(first.done) + len(second.done) == 6


async def test_a_short_rate_flows_by_itself(place: Place) -> None:
    reader = Limited(place, rate=Rate(20, timedelta(seconds=0.2)))
    page = uuid4()
    task = asyncio.create_task(reader.retries.run())
    await reader.consume([page], 60)
    await until(lambda: len(reader.done) == 60)
    task.cancel()
    await asyncio.wait({task})
    assert reader.in_order([page], 60)


async def test_the_number_of_keys_handled_at_once_is_limited(place: Place) -> None:
    reader = Limited(place, concurrency=3)
    reader.gate = asyncio.Event()
    pages = [uuid4() for _ in range(6)]
    task = asyncio.create_task(reader.retries.run())
    await reader.consume(pages, 3)
    await until(lambda: reader.running == 3)
    await reader.consume([uuid4()], 1)
    assert (reader.erased, reader.most_running) == (2, 3)
    reader.gate.set()
    await until(lambda: len(reader.done) == 19)
    task.cancel()
    await asyncio.wait({task})
    assert reader.in_order(pages, 3)


async def test_a_failed_transaction_consumes_no_tokens(place: Place) -> None:
    transactions = place.transactions("reader")
    rate = Rate(3, HOUR)

    async def fail() -> None:
        async with transactions() as tx:
            assert await rate_limits.allowed(tx, "x", rate) == 3
            await rate_limits.spend(tx, "x", 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with transactions() as tx:
        assert await rate_limits.allowed(tx, "x", rate) == 3
        await rate_limits.spend(tx, "x", 2)
    async with transactions() as tx:
        assert int(await rate_limits.allowed(tx, "x", rate)) == 1


def test_limits_are_checked() -> None:
    async def handler(tx: Tx, received: Received[Noted]) -> None: ...

    with pytest.raises(ValueError, match="rate"):
        Rate(0)
    with pytest.raises(ValueError, match="concurrency"):
        on(Noted, handler, name="x", concurrency=0)
