"""record(): atomic with its transaction, and numbered in commit order."""

import asyncio
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.testing import recorded
from tests.messaging.conftest import Noted, Place


async def test_an_event_is_recorded_with_its_transaction(place: Place) -> None:
    page = uuid4()
    woken: list[bool] = []
    transactions = place.transactions()
    transactions.committed = lambda: woken.append(True)
    async with transactions() as tx:
        id = record(tx, Noted(page=page, text="ё"))
        assert not woken
    [row] = await recorded(place.engine)
    assert (row.id, row.type, row.key, row.sequence) == (id, "test.noted", str(page), 1)
    assert row.body == {"page": str(page), "text": "ё"}
    assert row.headers["source"] == "/hirewire/writer"
    assert row.headers["sequence"] == "1"
    assert not row.sent
    assert woken == [True]


async def test_a_rolled_back_transaction_leaves_nothing(place: Place) -> None:
    transactions = place.transactions()

    async def fail_after_recording() -> None:
        async with transactions() as tx:
            record(tx, Noted(page=uuid4()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_recording()
    assert await recorded(place.engine) == []


async def test_another_services_event_is_refused(place: Place) -> None:
    async with place.transactions("reader")() as tx:
        with pytest.raises(RuntimeError, match="belongs to writer"):
            record(tx, Noted(page=uuid4()))


async def test_recording_needs_a_transaction_of_transactions(place: Place) -> None:
    async with place.engine.begin() as tx:
        with pytest.raises(RuntimeError, match="opened by Transactions"):
            record(tx, Noted(page=uuid4()))


async def test_numbers_are_dense_and_follow_the_commits(place: Place) -> None:
    """Twenty writers on three keys: within a key, position and sequence have the same order."""
    pages = [uuid4() for _ in range(3)]
    transactions = place.transactions()

    async def write(nth: int) -> None:
        for step in range(10):
            async with transactions() as tx:
                record(tx, Noted(page=pages[(nth + step) % 3], text=f"{nth}.{step}"))
                record(tx, Noted(page=pages[(nth + step + 1) % 3], text=f"{nth}.{step}"))

    await asyncio.gather(*(write(nth) for nth in range(20)))
    rows = await recorded(place.engine)
    assert len(rows) == 400
    for page in pages:
        mine = [row.sequence for row in rows if row.key == str(page)]
        assert mine == list(range(1, len(mine) + 1))


async def test_several_keys_in_any_order_do_not_deadlock(place: Place) -> None:
    pages = [uuid4() for _ in range(8)]
    transactions = place.transactions()

    async def write(order: list[UUID]) -> None:
        async with transactions() as tx:
            for page in order:
                record(tx, Noted(page=page))

    await asyncio.gather(
        *(write(pages[nth % 8 :] + pages[: nth % 8]) for nth in range(16)),
        *(write(pages[::-1]) for _ in range(8)),
    )
    assert len(await recorded(place.engine)) == 24 * 8


async def test_a_late_commit_keeps_its_place_in_the_key(place: Place) -> None:
    """A transaction that began first and commits last is numbered last. Nobody waits for it before
    it records, since counters are locked just before the commit.
    """
    page = uuid4()
    transactions = place.transactions()
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with transactions() as tx:
            record(tx, Noted(page=page, text="slow"))
            begun.set()
            await go.wait()

    task = asyncio.create_task(slow())
    await begun.wait()
    async with transactions() as tx:
        record(tx, Noted(page=page, text="quick"))
    go.set()
    await task
    assert [row.body["text"] for row in await recorded(place.engine)] == ["quick", "slow"]
