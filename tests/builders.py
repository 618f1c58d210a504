"""Small helpers for many tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine


async def eventually(
    condition: Callable[[], Awaitable[object]], *, within: float = 20.0, what: str = ""
) -> object:
    """The first true result of `condition`; fails with the last one after `within` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    pause = 0.01
    while True:
        answer = await condition()
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"not in {within:g} s: {what or condition}; last answer {answer!r}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, 0.1)  # polling without a pause would slow down what it waits for


_LOCK_WAITS = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def blocked(engine: AsyncEngine, task: asyncio.Task[Any]) -> None:
    """Return once `task` waits for a lock in this database; fails if it ends without waiting."""

    async def waits_or_ended() -> bool:
        async with engine.connect() as connection:
            waiting = (await connection.exec_driver_sql(_LOCK_WAITS)).scalar_one()
        return bool(waiting) or task.done()

    await eventually(waits_or_ended, what="the task waits for a lock")
    assert not task.done(), "it waited for nobody"
