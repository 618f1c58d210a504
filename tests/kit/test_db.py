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


async def others_of(engine: AsyncEngine) -> int:
    async with engine.begin() as tx:
        return int((await tx.exec_driver_sql(OTHERS)).scalar_one())


async def test_connections_of_a_burst_are_closed_when_they_are_idle(
    fresh_database: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(await fresh_database(), pool=4, application="tests")
    first = await at_once(engine, 4)
    assert await others_of(engine) == 3
    monkeypatch.setattr(db, "WINDOW_SECONDS", 0.2)
    monkeypatch.setattr(db, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(engine.pool, "_look_at", 0.0)
    used: set[int] = set()
    async with asyncio.timeout(30):
        while await others_of(engine):
            await asyncio.sleep(0.01)
            used.add(await backend(engine))
    assert len(used) == 1
    assert used < first
    monkeypatch.setattr(db, "WINDOW_SECONDS", 60.0)
    again = await at_once(engine, 8)  # the original number: four are kept, four are extra
    assert again & first == used
    assert len(again) == 8
    while await others_of(engine) > 3:
        await asyncio.sleep(0.01)
    assert len(await at_once(engine, 4) & again) == 4
    await engine.dispose()


@pytest.mark.parametrize(("held", "kept"), [(0.0, 1), (0.3, 3)])
async def test_as_many_are_kept_as_are_in_use_at_once_for_more_than_moments(
    held: float,
    kept: int,
    fresh_database: Callable[[], Awaitable[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three background tasks that look for work at the same moments need one connection; three
    transactions that last need three.
    """
    engine = make_engine(await fresh_database(), pool=4, application="tests")
    await at_once(engine, 4)
    monkeypatch.setattr(db, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(db, "WINDOW_SECONDS", 1.0)
    monkeypatch.setattr(db, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(engine.pool, "_look_at", 0.0)
    over = False

    async def work() -> None:
        while not over:
            async with engine.begin() as tx:
                await tx.exec_driver_sql("select 1")
                await asyncio.sleep(held)
            await asyncio.sleep(0.5)

    tasks = [asyncio.create_task(work()) for _ in range(3)]
    watching = make_engine(str(engine.url.render_as_string(hide_password=False)), application="w")
    seen: list[int] = []
    async with asyncio.timeout(60):
        while len(seen) < 20 or set(seen[-20:]) != {kept}:
            async with watching.begin() as tx:
                seen.append(int((await tx.exec_driver_sql(OTHERS)).scalar_one()))
            await asyncio.sleep(0.1)
    over = True
    await asyncio.gather(*tasks)
    await engine.dispose()
    await watching.dispose()


async def test_the_end_of_a_transaction_is_waited_for_before_a_connection_is_opened(
    fresh_database: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(await fresh_database(), pool=4, application="tests")
    first = await backend(engine)
    monkeypatch.setattr(db, "PATIENCE_SECONDS", 20.0)
    assert set(await asyncio.gather(*(backend(engine) for _ in range(20)))) == {first}
    monkeypatch.setattr(db, "PATIENCE_SECONDS", 0.01)
    assert len(await at_once(engine, 4)) == 4, "one that is held is not waited for"
    await engine.dispose()


async def test_options_of_libpq_in_an_address_hold_for_the_pool(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    engine = make_engine(f"{await fresh_database()}?sslmode=disable")
    assert await backend(engine)
    await engine.dispose()
