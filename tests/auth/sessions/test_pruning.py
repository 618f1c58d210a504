"""Data of old sessions is deleted, and nothing that is still needed."""

import asyncio

import pytest

from hirewire.auth.sessions import commands
from hirewire.auth.sessions.background import FORGET_ENDED_SESSIONS, prune_step
from hirewire.kit.service import repeat
from hirewire.messaging.testing import recorded
from tests.auth.conftest import Auth, MovedClock
from tests.builders import eventually

COUNTS = (
    "select (select count(*) from session), (select count(*) from refresh_token), "
    "(select count(*) from failed_login)"
)


async def test_only_expired_sessions_are_deleted(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    used = (await auth.login())["refreshToken"]
    await auth.refresh(used)
    await auth.try_login(password="not the password")
    transactions = auth.service.messaging.transactions
    assert not await prune_step(transactions)
    assert await auth.rows(COUNTS) == [(1, 2, 1)]
    clock.forward(minutes=16)
    assert not await prune_step(transactions)
    assert await auth.rows(COUNTS) == [(1, 2, 0)]
    assert (await auth.refresh(used)).status_code == 401  # reuse is still recognised
    clock.forward(days=30)
    await prune_step(transactions)
    assert await auth.rows(COUNTS) == [(1, 0, 0)]
    clock.forward(days=60)
    await prune_step(transactions)
    assert await auth.rows(COUNTS) == [(0, 0, 0)]
    assert len(await recorded(auth.service.engine, "session.ended")) == 1, "ended by the reuse"


async def test_many_expired_sessions_are_deleted_in_batches(
    auth: Auth, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 2)
    await auth.register()
    for _ in range(5):
        await auth.login()
    clock.forward(days=91)
    steps = 0
    while await prune_step(auth.service.messaging.transactions):
        steps += 1
    assert steps == 2
    assert await auth.rows(COUNTS) == [(0, 0, 0)]
    assert len(await recorded(auth.service.engine, "session.ended")) == 5


async def test_the_task_begins_at_once_and_ends_by_cancellation(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    await auth.login()
    clock.forward(days=91)
    task = asyncio.create_task(repeat(FORGET_ENDED_SESSIONS, auth.service.messaging.transactions))

    async def forgotten() -> bool:
        return await auth.rows(COUNTS) == [(0, 0, 0)]

    await eventually(forgotten, what="the session to be forgotten")
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
