"""The database engine of a service."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit import db
from hirewire.kit.db import make_engine


async def backend(engine: AsyncEngine) -> int:
    async with engine.begin() as tx:
        return int((await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one())


OTHERS = """
select count(*) from pg_stat_activity
where datname = current_database() and application_name = 'tests' and pid <> pg_backend_pid()
"""


async def at_once(engine: AsyncEngine, count: int) -> set[int]:
    """The connections of this many transactions that are all open at the same time."""
    together = asyncio.Barrier(count)

    async def one() -> int:
        async with engine.begin() as tx:
            pid = int((await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one())
            await together.wait()
            return pid

    return set(await asyncio.gather(*(one() for _ in range(count))))


async def test_little_work_keeps_few_connections_warm(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    engine = make_engine(await fresh_database(), pool=4, application="tests")
    assert len(await at_once(engine, 4)) == 4
    assert len({await backend(engine) for _ in range(8)}) == 1
    await engine.dispose()


async def test_connections_of_a_burst_are_closed_when_they_are_idle(
    fresh_database: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(await fresh_database(), pool=4, application="tests")

    async def others() -> int:
        async with engine.begin() as tx:
            return int((await tx.exec_driver_sql(OTHERS)).scalar_one())

    first = await at_once(engine, 4)
    assert await others() == 3
    monkeypatch.setattr(db, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(db, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(engine.pool, "_look_at", 0.0)
    used = {await backend(engine) for _ in range(3)}
    async with asyncio.timeout(30):
        while await others():
            await asyncio.sleep(0.01)
    assert len(used) == 1
    assert used < first
    monkeypatch.setattr(db, "IDLE_SECONDS", 60.0)
    again = await at_once(engine, 8)  # the original number: four are kept, four are extra
    assert again & first == used
    assert len(again) == 8
    while await others() > 3:
        await asyncio.sleep(0.01)
    assert len(await at_once(engine, 4) & again) == 4
    await engine.dispose()


async def test_options_of_libpq_in_an_address_hold_for_the_pool(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    engine = make_engine(f"{await fresh_database()}?sslmode=disable")
    assert await backend(engine)
    await engine.dispose()
