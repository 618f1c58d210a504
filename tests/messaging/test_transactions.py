"""A transaction is committed for certain, or has failed with the right error."""

import asyncio
from contextlib import AsyncExitStack, suppress
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from hirewire.messaging.database import CommitRefused, DatabaseUnavailable, connect
from hirewire.messaging.envelope import MAX_BODY, MAX_NAME
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.testing import recorded
from hirewire.messaging.transaction import OutlivesTransaction, TransactionEnded, Transactions
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place


async def table_of_names(place: Place) -> None:
    async with place.engine.begin() as tx:
        await tx.exec_driver_sql("create table name (name text primary key)")
        await tx.exec_driver_sql("insert into name values ('taken')")


async def names(place: Place) -> list[str]:
    async with place.engine.connect() as tx:
        return list((await tx.exec_driver_sql("select name from name order by 1")).scalars())


async def add(tx: AsyncConnection, name: str) -> None:
    await tx.exec_driver_sql("insert into name values ($1)", (name,))


async def own_session(tx: AsyncConnection) -> int:
    number: int = (await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one()
    return number


async def end_session(place: Place, number: int) -> None:
    other = await connect(place.url, application="test")
    await other.execute("select pg_terminate_backend($1, 5000)", number)
    await other.close()


async def test_a_transaction_with_a_caught_database_error_is_not_committed(place: Place) -> None:
    await table_of_names(place)

    async def catch_it() -> None:
        async with place.transactions()() as tx:
            await add(tx, "new")
            with suppress(IntegrityError):
                await add(tx, "taken")

    with pytest.raises(CommitRefused, match="savepoint"):
        await catch_it()
    assert await names(place) == ["taken"]
    async with place.transactions()() as tx:  # and the connection can be used again
        await add(tx, "new")
    assert await names(place) == ["new", "taken"]


async def test_any_engine_is_checked(place: Place) -> None:
    await table_of_names(place)
    engine = create_async_engine(place.url.replace("postgresql", "postgresql+asyncpg", 1))
    transactions = Transactions(engine, "writer")

    async def catch_it() -> None:
        async with transactions() as tx:
            with suppress(IntegrityError):
                await add(tx, "taken")

    with pytest.raises(CommitRefused):
        await catch_it()
    await engine.dispose()


async def test_plain_connections_are_checked_too(place: Place) -> None:
    connection = await connect(place.url, application="test")

    async def catch_it() -> None:
        async with connection.transaction():
            with suppress(asyncpg.DivisionByZeroError):
                await connection.execute("select 1/0")

    with pytest.raises(CommitRefused):
        await catch_it()
    assert await connection.fetchval("select 1") == 1
    await connection.close()


async def test_a_database_error_may_be_caught_around_a_savepoint(place: Place) -> None:
    await table_of_names(place)
    async with place.transactions()() as tx:
        await add(tx, "new")
        with pytest.raises(IntegrityError):
            async with tx.begin_nested():
                await add(tx, "taken")
    assert await names(place) == ["new", "taken"]


async def test_an_event_is_rolled_back_with_its_savepoint(place: Place) -> None:
    page = uuid4()
    async with place.transactions()() as tx:
        record(tx, Noted(page=page, text="before"))
        async with tx.begin_nested():
            record(tx, Noted(page=page, text="kept"))
            with pytest.raises(ZeroDivisionError):
                async with tx.begin_nested():
                    record(tx, Noted(page=page, text="inner"))
                    raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError):
            async with tx.begin_nested():
                async with tx.begin_nested():
                    record(tx, Noted(page=page, text="released, then undone"))
                raise ZeroDivisionError
        record(tx, Noted(page=page, text="after"))
    rows = await recorded(place.engine)
    assert [row.body["text"] for row in rows] == ["before", "kept", "after"]
    assert [row.sequence for row in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        FileNotFoundError(),
        ConnectionRefusedError(),
        asyncpg.LockNotAvailableError(),
        asyncpg.DiskFullError(),
        asyncpg.InterfaceError("of another connection"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_of_the_block_is_raised_unchanged(place: Place, error: Exception) -> None:
    async def fail() -> None:
        async with place.transactions()() as tx:
            await tx.execute(text("select 1"))
            raise error

    with pytest.raises(type(error)) as raised:
        await fail()
    assert raised.value is error


async def test_lock_not_available_is_an_ordinary_error(place: Place) -> None:
    await table_of_names(place)
    async with place.transactions()() as holder:
        await holder.exec_driver_sql("lock table name")

        async def want_it() -> None:
            async with place.transactions()() as tx:
                await tx.exec_driver_sql("lock table name nowait")

        with pytest.raises(DBAPIError, match="could not obtain lock"):
            await want_it()


@pytest.mark.parametrize("caught", [False, True])
async def test_a_lost_connection_is_the_databases_fault(place: Place, caught: bool) -> None:
    async def lose_it() -> None:
        async with place.transactions()() as tx:
            await end_session(place, await own_session(tx))
            try:
                await tx.execute(text("select 1"))
            except DBAPIError:
                if not caught:
                    raise
                raise ValueError("the handler's own view of it") from None

    with pytest.raises(DatabaseUnavailable):
        await lose_it()


async def test_a_connection_lost_before_the_commit_is_no_commit(place: Place) -> None:
    async def lose_it() -> None:
        async with place.transactions()() as tx:
            await end_session(place, await own_session(tx))

    with pytest.raises(DatabaseUnavailable):
        await lose_it()


async def test_a_missing_database_is_unavailable(place: Place) -> None:
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:9/none")

    async def try_it() -> None:
        async with Transactions(engine, "writer")():
            pass

    with pytest.raises(DatabaseUnavailable, match="no connection"):
        await try_it()
    await engine.dispose()


async def test_a_read_only_database_is_unavailable(place: Place) -> None:
    await table_of_names(place)
    async with place.engine.connect() as own:
        await own.exec_driver_sql("select 1")

    async def write() -> None:
        async with place.transactions()() as tx:
            await tx.exec_driver_sql("set transaction read only")
            await add(tx, "new")

    with pytest.raises(DatabaseUnavailable):
        await write()


async def test_a_timeout_within_a_statement_does_not_count_as_an_unavailable_database(
    place: Place,
) -> None:
    await table_of_names(place)

    async def too_slow(swallow: bool) -> None:
        async with place.transactions()() as tx:
            await add(tx, "half")
            try:
                async with asyncio.timeout(0.05):
                    await tx.exec_driver_sql("select pg_sleep(5)")
            except TimeoutError:
                if not swallow:
                    raise

    with pytest.raises(TimeoutError):
        await too_slow(swallow=False)
    with pytest.raises(SQLAlchemyError):
        await too_slow(swallow=True)
    assert await names(place) == ["taken"]


async def test_an_event_that_no_reader_would_accept_is_not_recorded(place: Place) -> None:
    async with place.transactions()() as tx:
        with pytest.raises(ValueError, match=r"test\.noted: body of .* at most"):
            record(tx, Noted(page=uuid4(), text="x" * MAX_BODY))
        record(tx, Noted(page=uuid4(), text="fits"))
    assert len(await recorded(place.engine)) == 1


class Titled(Event, name="test.titled", owner="writer", key="title"):
    """A page got a title."""

    title: str


@pytest.mark.parametrize(
    "title",
    ["", "x" * (MAX_NAME + 1), "two\nlines", "\x00"],
    ids=["empty", "long", "lines", "zero"],
)
async def test_a_key_that_no_reader_would_accept_is_not_recorded(place: Place, title: str) -> None:
    async with place.transactions()() as tx:
        with pytest.raises(ValueError, match=r"test\.titled: title: a key has"):
            record(tx, Titled(title=title))
        record(tx, Titled(title="x" * MAX_NAME))
    assert [row.key for row in await recorded(place.engine)] == ["x" * MAX_NAME]


async def is_refused(place: Place, statement: str, kind: type[Exception], says: str) -> None:
    """Recording is refused, and the surrounding transaction commits."""
    await table_of_names(place)
    async with place.transactions()() as tx:
        await add(tx, "before")
        with pytest.raises(kind, match=says):
            await tx.exec_driver_sql(statement)
        await add(tx, "after")
    assert await names(place) == ["after", "before", "taken"]


@pytest.mark.parametrize(
    "statement",
    [
        "commit",
        " COMMIT AND CHAIN",
        "end",
        "abort",
        "rollback",
        "rollback and chain",
        "begin",
        "start transaction",
        "prepare transaction 'x'",
        "savepoint mine",
        "release savepoint mine",
        "rollback to savepoint mine",
        "-- for a reason\ncommit",
        "/* for another */ commit",
    ],
)
async def test_application_code_cannot_end_the_transaction(place: Place, statement: str) -> None:
    """Neither can it create unknown savepoints; and earlier work is not lost by the attempt."""
    await is_refused(place, statement, TransactionEnded, "does not end it")


@pytest.mark.parametrize(
    "statement",
    [
        "set search_path to elsewhere",
        "SET SESSION statement_timeout = 1",
        "set time zone 'UTC'",
        "reset all",
        "discard temp",
        "listen news",
        "/* mine */ set role nobody",
        "prepare mine as select 1",
        "declare mine cursor with hold for select 1",
        "select set_config('search_path', 'elsewhere', false)",
        "select 1, set_config ('search_path', 'elsewhere', 'f') from name",
        "select pg_advisory_lock(1)",
        "select 1 from name where pg_try_advisory_lock_shared(1, 2)",
    ],
)
async def test_application_code_cannot_change_the_session(place: Place, statement: str) -> None:
    """The connection is used by others afterwards."""
    await is_refused(place, statement, OutlivesTransaction, "outlive the transaction")


@pytest.mark.parametrize(
    "statement",
    [
        "set local statement_timeout = '1min'",
        "set constraints all deferred",
        "set transaction isolation level read committed",
        "select set_config('statement_timeout', '1min', true)",
        "select set_config('search_path', current_setting('search_path', false), true)",
        "select pg_advisory_xact_lock(1)",
        "declare mine cursor for select 1",
        "update name set name = name",
        "select 'commit', 'set x = 1'",
    ],
)
async def test_transaction_local_settings_are_allowed(place: Place, statement: str) -> None:
    await table_of_names(place)
    async with place.transactions()() as tx:
        await tx.exec_driver_sql(statement)


async def test_sqlalchemys_commit_is_refused_too(place: Place) -> None:
    await table_of_names(place)

    async def commit_it() -> None:
        async with place.transactions()() as tx:
            await add(tx, "early")
            await tx.commit()

    with pytest.raises(RuntimeError, match="does not end it"):
        await commit_it()
    assert await names(place) == ["taken"]


async def test_nothing_is_recorded_in_a_transaction_that_has_ended(place: Place) -> None:
    async with place.transactions()() as tx:
        pass
    with pytest.raises(RuntimeError, match="has ended"):
        record(tx, Noted(page=uuid4()))


async def test_a_single_statement_is_committed_by_itself_and_costs_one_round_trip(
    place: Place,
) -> None:
    """The next user of the connection has a transaction again."""
    await table_of_names(place)
    transactions = place.transactions()
    sent: list[str] = []
    async with transactions.single() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert isinstance(raw, asyncpg.Connection)
        raw.add_query_logger(lambda logged: sent.append(logged.query))
        await add(connection, "single")
        await add(connection, "another")
        assert await names(place) == ["another", "single", "taken"]
        with pytest.raises(RuntimeError, match="has ended"):
            record(connection, Noted(page=uuid4()))
    assert sent == [], "BEGIN and COMMIT would be noted, which are not prepared"

    async def fail() -> None:
        async with transactions() as tx:
            assert (await tx.get_raw_connection()).driver_connection is raw
            await add(tx, "undone")
            raise ValueError("undo it")

    with pytest.raises(ValueError, match="undo it"):
        await fail()
    assert await names(place) == ["another", "single", "taken"]
    assert [one.rstrip(";") for one in sent[:2]] == [
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "ROLLBACK",
    ]


async def test_a_single_statement_whose_connection_is_lost(place: Place) -> None:
    async def lose_it() -> None:
        async with place.transactions().single() as connection:
            await end_session(place, await own_session(connection))
            await connection.execute(text("select 1"))

    with pytest.raises(DatabaseUnavailable):
        await lose_it()


class Measured(Event, name="test.measured", owner="writer", key="id"):
    """A number."""

    id: str
    value: float


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
async def test_a_number_that_json_does_not_have_is_refused(place: Place, value: float) -> None:
    async with place.transactions()() as tx:
        with pytest.raises(ValueError, match="no number in JSON"):
            record(tx, Measured(id="a", value=value))
        record(tx, Measured(id="NaN and Infinity", value=1.5))
    assert len(await recorded(place.engine)) == 1


@pytest.mark.parametrize("changes_first", [True, False], ids=["after-a-change", "alone"])
@pytest.mark.parametrize("how", ["lost", "cancelled"])
async def test_a_transaction_that_ends_while_its_events_are_written(
    place: Place, how: str, changes_first: bool
) -> None:
    await table_of_names(place)
    page, transactions, sessions = uuid4(), place.transactions(), list[int]()
    async with transactions() as tx:
        record(tx, Noted(page=page, text="first"))

    async def note() -> None:
        async with transactions() as tx:
            if changes_first:
                await add(tx, "new")
            record(tx, Noted(page=page, text="second"))

    async def is_blocked() -> bool:
        found = await watching.fetch(
            "select pid from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'counter'"
        )
        sessions[:] = [row["pid"] for row in found]
        return bool(sessions)

    watching = await connect(place.url, application="test")
    async with place.engine.begin() as other:
        await other.exec_driver_sql("select from messaging.counter for update")
        noting = asyncio.create_task(note())
        await eventually(is_blocked)
        if how == "cancelled":
            noting.cancel()
        else:
            await watching.execute("select pg_terminate_backend($1, 5000)", sessions[0])
        with pytest.raises(asyncio.CancelledError if how == "cancelled" else DatabaseUnavailable):
            await noting
    assert [row.sequence for row in await recorded(place.engine)] == [1]
    assert await names(place) == ["taken"]
    async with AsyncExitStack() as stack:
        reused = [
            await own_session(await stack.enter_async_context(transactions())) for _ in range(3)
        ]
    assert not set(sessions) & set(reused), "a session in an unknown state is not used again"
    await watching.close()


async def test_a_database_that_is_read_only_when_events_are_written_is_unavailable(
    place: Place,
) -> None:
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        async with place.transactions()() as tx:
            await tx.exec_driver_sql("set local transaction_read_only = on")
            record(tx, Noted(page=uuid4(), text="a"))
