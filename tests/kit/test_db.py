"""The engine of a service."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.db import make_engine


async def backend(engine: AsyncEngine) -> int:
    async with engine.begin() as tx:
        return int((await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one())


async def test_little_work_keeps_few_connections_warm(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    engine = make_engine(await fresh_database(), pool=4, application="tests")
    together = asyncio.Barrier(4)

    async def at_once() -> int:
        async with engine.begin() as tx:
            pid = int((await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one())
            await together.wait()
            return pid

    assert len(set(await asyncio.gather(*(at_once() for _ in range(4))))) == 4
    assert len({await backend(engine) for _ in range(8)}) == 1
    await engine.dispose()
