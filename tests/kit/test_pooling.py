"""Transactions through PgBouncer in transaction mode, and what is refused at the start."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import ARRAY, JSON, Column, Integer, MetaData, Table, Uuid, insert, select
from sqlalchemy.engine import make_url

from hirewire.kit.db import check_addresses, make_engine
from hirewire.kit.settings import Settings, SettingsError
from hirewire.messaging.database import connect
from hirewire.messaging.pooling import UNPREPARED, options_of
from hirewire.messaging.transaction import Transactions
from tests.pooler import keeps_statements, pgbouncer

Fresh = Callable[[], Awaitable[str]]
THING = Table(
    "thing",
    MetaData(),
    *(Column("id", Uuid, primary_key=True), Column("of", Integer)),
    *(Column("body", JSON), Column("tags", ARRAY(Uuid))),
)
ROUNDS = 30


async def _one(transactions: Transactions, number: int) -> None:
    """Parameters and types of all sorts, a savepoint, a stream, a single statement."""
    for round_ in range(ROUNDS):
        id, body = uuid4(), {"number": number, "round": round_}
        async with transactions() as tx:
            async with tx.begin_nested():
                await tx.execute(insert(THING).values(id=id, of=number, body=body, tags=[id]))
            await asyncio.sleep(0)  # others work meanwhile
            found = (await tx.execute(select(THING).where(THING.c.id == id))).one()
            assert (found.body, found.tags) == (body, [id])
            mine = select(THING.c.id).where(THING.c.of == number)
            result = await tx.stream(mine, execution_options={"yield_per": 5})
            streamed: list[UUID] = [row.id async for row in result]
            assert len(streamed) == round_ + 1
        async with transactions.single() as single:
            query = f"select count(*) + {number % 7} from thing where of = $1"
            count = (await single.exec_driver_sql(query, (number,))).scalar_one()
            assert count == round_ + 1 + number % 7


@pytest.mark.parametrize("prepared", [True, False])
async def test_transactions_of_many_clients_share_few_sessions(
    fresh_database: Fresh, prepared: bool
) -> None:
    url = await fresh_database()
    direct = await connect(url, application="tests")
    await direct.execute("create table thing (id uuid primary key, of int, body json, tags uuid[])")
    keeps = keeps_statements()
    if prepared and not keeps:
        pytest.skip("this PgBouncer keeps no prepared statements: 1.21 or later does")
    given = {"max_prepared_statements": 50 if prepared else 0} if keeps else {}
    with pgbouncer(url, "transaction", 3, **given) as pooled:
        assert await options_of(pooled) == ({} if prepared else UNPREPARED)
        engines = [make_engine(pooled, pool=4, shared=True) for _ in range(2)]
        workers = [Transactions(engine, "tests") for engine in engines for _ in range(4)]
        await asyncio.gather(*(_one(one, number) for number, one in enumerate(workers)))
        sessions = await direct.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database()"
        )
        assert sessions <= 1 + 3
        for engine in engines:
            await engine.dispose()
    assert await direct.fetchval("select count(*) from thing") == 8 * ROUNDS
    await direct.close()


async def test_a_server_without_a_pooler_keeps_statements_for_each_session(
    fresh_database: Fresh,
) -> None:
    assert await options_of(await fresh_database()) == {}


async def _settings(url: str, direct: str | None) -> Settings:
    """As if `url` were the addresses' prefix: the database is `…_auth`."""
    given = make_url(url)
    assert given.database is not None
    prefix = given.database.removesuffix("_auth")
    there = [
        make_url(one).set(database=prefix).render_as_string(hide_password=False)
        for one in (url, direct)
        if one is not None
    ]
    return Settings(database_url=there[0], database_direct_url=there[1] if direct else None)


async def test_addresses_that_would_lead_twice_stop_the_start(fresh_database: Fresh) -> None:
    url = await fresh_database()
    named = make_url(url).set(database=f"{make_url(url).database}_auth")
    direct = named.render_as_string(hide_password=False)
    admin = await connect(url, application="tests")
    await admin.execute(f'create database "{named.database}"')
    with pgbouncer(direct, "transaction", 5) as pooled:
        await check_addresses(await _settings(pooled, direct), "auth")
        await check_addresses(await _settings(direct, None), "auth")
        with pytest.raises(SettingsError, match="HIREWIRE_DATABASE_DIRECT_URL"):
            await check_addresses(await _settings(pooled, None), "auth")
        with (
            pgbouncer(direct, "transaction", 4) as other,
            pytest.raises(SettingsError, match="DIR"),
        ):
            await check_addresses(await _settings(pooled, other), "auth")
    await admin.close()


async def test_two_addresses_of_different_databases_stop_the_start(fresh_database: Fresh) -> None:
    one, other = await fresh_database(), await fresh_database()
    settings = Settings(database_url=one, database_direct_url=other)

    class Without(Settings):
        @staticmethod
        def _database(address: str | None, service: str) -> str:
            return str(address)

    given = Without(**settings.model_dump(exclude_unset=True))
    with pytest.raises(SettingsError, match="different databases"):
        await check_addresses(given, "auth")


async def test_a_database_that_is_away_does_not_stop_the_start() -> None:
    away = "postgresql://nobody@127.0.0.1:1/none"
    await check_addresses(Settings(database_url=away), "auth")
