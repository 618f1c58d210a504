"""Small helpers for many tests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging.transaction import Tx, execute


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
select query from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def lock_waits(engine: AsyncEngine) -> list[str]:
    """The statements that wait for a lock in this database."""
    async with engine.connect() as connection:
        return [*(await connection.exec_driver_sql(_LOCK_WAITS)).scalars()]


async def blocked(engine: AsyncEngine, task: asyncio.Task[Any]) -> None:
    """Return once `task` waits for a lock in this database; fails if it ends without waiting."""

    async def waits_or_ended() -> bool:
        return bool(await lock_waits(engine)) or task.done()

    await eventually(waits_or_ended, what="the task waits for a lock")
    assert not task.done(), "it waited for nobody"


@contextmanager
def counted(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements that an engine runs in the block."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    async def write(tx: Tx, statement: str, arguments: Sequence[Any]) -> None:
        before = len(statements)
        await execute(tx, statement, arguments)
        if tx.engine.sync_engine is engine.sync_engine and len(statements) == before:
            statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    with mock.patch("hirewire.messaging.publishing.outbox.execute", write):
        yield statements
    event.remove(engine.sync_engine, "before_cursor_execute", note)
