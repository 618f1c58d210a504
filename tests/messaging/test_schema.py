"""Migrations beside running services."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from sqlalchemy import Connection

from hirewire.kit.db import make_engine
from hirewire.messaging import schema
from hirewire.messaging.database import connect
from hirewire.messaging.schema import migrate, pending

Fresh = Callable[[], Awaitable[str]]


def migrates(monkeypatch: pytest.MonkeyPatch, *tables: str) -> list[str]:
    """There is a migration, which locks tables in this order; each try is added to the result."""
    tries: list[str] = []

    def changed(connection: Connection, name: str, *_: str) -> Sequence[str]:
        tries.append(name)
        for table in tables:
            connection.exec_driver_sql(f"lock table {table} in access exclusive mode")
        return ["messaging:9999"]

    async def always(*_: object) -> list[str]:
        return ["messaging"]

    monkeypatch.setattr(schema, "_upgrade", changed)
    monkeypatch.setattr(schema, "pending", always)
    return tries


async def test_a_migration_that_waits_for_a_table_lets_others_use_it(
    fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long transaction has read the table; a migration would hold up all who come later."""
    url = await fresh_database()
    await migrate(url)
    tries = migrates(monkeypatch, "messaging.log")
    monkeypatch.setattr(schema, "PAUSE_SECONDS", 0.05)
    reader, other = await connect(url, application="tests"), await connect(url, application="tests")
    long = reader.transaction()
    await long.start()
    await reader.fetchval("select count(*) from messaging.log")
    migrating = asyncio.create_task(migrate(url))
    while len(tries) < 3:
        await other.fetchval("select count(*) from messaging.log", timeout=30)
        await asyncio.sleep(0.01)
    assert not migrating.done()
    await long.rollback()
    assert await migrating == ["messaging:9999"]
    for connection in (reader, other):
        await connection.close()


async def test_a_migration_and_a_request_in_each_others_way_let_the_request_pass(
    fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request holds one table and needs the other; so does the migration, the other way."""
    url = await fresh_database()
    await migrate(url)
    tries = migrates(monkeypatch, "messaging.outbox", "messaging.log")
    request = await connect(url, application="tests")
    for _ in range(3):
        async with request.transaction():
            await request.fetchval("select count(*) from messaging.log")
            migrating, before = asyncio.create_task(migrate(url)), len(tries)
            while len(tries) == before:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.03)  # it has the outbox now, and waits for the log
            await request.fetchval("select count(*) from messaging.outbox")
        assert await migrating == ["messaging:9999"]
    await request.close()


async def test_the_previous_version_is_ready_at_a_newer_schema(fresh_database: Fresh) -> None:
    url = await fresh_database()
    await migrate(url)
    connection = await connect(url, application="tests")
    engine = make_engine(url)
    for version, behind in (("9999", []), ("0001", ["messaging"])):
        await connection.execute("update messaging.alembic_version set version_num = $1", version)
        assert await pending(engine, schema.OWN) == behind
    await connection.execute("update messaging.alembic_version set version_num = '9999'")
    assert await migrate(url) == []
    await connection.close()
    await engine.dispose()
