"""However large the tables are, a step reads only what it needs: each hot statement has its index.

The tests count the rows that PostgreSQL read without an index, from its statistics after the
sessions have ended.
"""

from uuid import uuid4

from hirewire.messaging import requests
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.database import connect
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.testing import consume
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import Reader, noted, notes, place_with_notes, reader
from tests.messaging.scripted import ScriptedBroker

__all__ = ["place_with_notes", "reader"]

MANY = 5000


async def read_without_index(place: Place, table: str) -> int:
    """Rows of this table and its partitions that were read by sequential scans so far."""
    await place.engine.dispose()
    connection = await connect(place.url, application="statistics")

    async def alone() -> bool:
        others: int = await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        return others == 0

    await eventually(alone, what="all other sessions have ended")
    count: int = await connection.fetchval(
        "select coalesce(sum(seq_tup_read), 0)::bigint from pg_stat_user_tables "
        "where schemaname = 'messaging' and (relname = $1 or starts_with(relname, $1 || '_'))",
        table,
    )
    await connection.close()
    return count


async def fill_open_messages(place: Place) -> None:
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "insert into messaging.open_message (event_id, subscription, state, type, source, key, "
            "sequence, body, headers, next_attempt_at) select gen_random_uuid(), 'reader.notes', "
            "(array['dead', 'waiting', 'retrying'])[n % 3 + 1], 'test.noted', '/x', "
            "(n % 100)::text, n, '', '{}', case when n % 3 = 2 then now() + interval '1 day' end "
            f"from generate_series(1, {MANY}) n"
        )
    async with place.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql("analyze messaging.open_message")


async def test_a_retry_reads_what_is_due_and_who_waits_behind_it(reader: Reader) -> None:
    await fill_open_messages(reader.place)
    page = uuid4()
    reader.broken = {"1"}
    before = await read_without_index(reader.place, "open_message")
    await consume(reader.consumer, noted(page, "1", 1))
    await consume(reader.consumer, noted(page, "2", 2))
    reader.broken = set()
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2"]
    read = await read_without_index(reader.place, "open_message") - before
    assert read < MANY


async def test_the_first_dead_letters_are_found_without_reading_all(reader: Reader) -> None:
    await fill_open_messages(reader.place)
    before = await read_without_index(reader.place, "open_message")
    async with reader.transactions() as tx:
        assert len(await dead_letters.open_messages(tx, limit=10)) == 10
    assert await read_without_index(reader.place, "open_message") - before < MANY


async def test_a_replay_reads_each_piece_where_the_one_before_ended(place: Place) -> None:
    pages = [uuid4() for _ in range(100)]
    async with place.transactions()() as tx:
        for n in range(MANY):
            record(tx, Noted(page=pages[n % 100], text=str(n)))
    async with place.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql("truncate messaging.outbox")
        await connection.exec_driver_sql("analyze messaging.log")
    async with place.transactions()() as tx:
        asked = {"to": "reader", "types": ["test.noted"]}
        id, _ = await requests.ask(tx, "replay", asked, by="tests")
    before = await read_without_index(place, "log")
    broker = ScriptedBroker()
    relay = Relay(service="writer", database_url=place.url, broker=broker)

    async def done() -> bool:
        await relay.step()
        async with place.transactions()() as tx:
            request = await requests.find(tx, id)
        return request is not None and request.state == "done"

    await eventually(done)
    await relay.close()
    assert len(broker.taken) == MANY
    read = await read_without_index(place, "log") - before
    assert read <= 2 * MANY  # counted once, perhaps read once; not once per chunk
