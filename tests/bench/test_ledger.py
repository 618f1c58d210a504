"""The statements of the benchmarks, run against the current tables."""

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio
from sqlalchemy.engine import make_url

from bench import ledger
from hirewire.kit.db import migrate
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id


@pytest_asyncio.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    url = make_url(postgres_url).set(database=f"bench_{uuid4().hex[:8]}")
    address = url.render_as_string(hide_password=False)
    await migrate(address, None)
    opened = await connect(address, application="test")
    yield opened
    await opened.close()


async def test_a_filled_log_is_sent_and_its_counters_continue(
    connection: asyncpg.Connection,
) -> None:
    await ledger.fill_log(connection, 1000)
    assert await ledger.recorded(connection) == 1000
    assert await ledger.unsent(connection) == 0
    rows = await connection.fetch("select id, key, sequence, body::text from messaging.log")
    assert {len(row["body"].encode()) for row in rows} == {ledger.BODY_BYTES}
    assert {json.loads(row["body"])["page"] == row["key"] for row in rows} == {True}
    assert {UUID(str(row["id"])).version for row in rows} == {7}
    assert sorted(row["sequence"] for row in rows) == sorted(list(range(1, 11)) * 100)
    assert len({row["key"] for row in rows}) == 100
    last = await connection.fetch("select key, last from messaging.counter")
    assert {row["key"]: row["last"] for row in last} == {row["key"]: 10 for row in rows}


async def test_a_filled_inbox_is_handled_and_has_the_progress_of_its_keys(
    connection: asyncpg.Connection,
) -> None:
    await ledger.fill_inbox(connection, 1000)
    assert await ledger.handled(connection) == 1000
    assert await ledger.still_open(connection) == 0
    assert await connection.fetchval("select count(*) from messaging.progress") == 100


async def test_events_of_a_round_are_deleted_and_all_tables_can_be_emptied(
    connection: asyncpg.Connection,
) -> None:
    await ledger.fill_log(connection, 100)
    since = await connection.fetchval("select clock_timestamp()")
    id = new_id()
    await connection.execute(
        "insert into messaging.log (id, position, type, key, sequence, correlation_id, body) "
        "values ($1, 1000, $2, 'k', 1, 'c', '{}')",
        id,
        ledger.TYPE,
    )
    await connection.execute(
        "insert into messaging.outbox (position, id, key) values (1000, $1, 'k')", id
    )
    assert (await ledger.recorded(connection), await ledger.unsent(connection)) == (101, 1)
    await ledger.forget(connection, since)
    assert await ledger.recorded(connection) == 100
    await ledger.truncate(connection)
    assert await ledger.recorded(connection) == 0
