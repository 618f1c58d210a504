"""Everything the benchmarks know of messaging's tables: how to count, empty and fill them."""

from datetime import datetime

import asyncpg

from hirewire.messaging.database import connect
from hirewire.messaging.publishing.subscribers import write_subscribers

TYPE = "bench.noted"
OWNER = "bench"
READER = "reader"
SUBSCRIPTION = "reader.noted"
BODY_BYTES = 256
EVENTS_PER_KEY = 10
"""In a filled log."""
CHUNK = 250_000
"""Rows per statement when filling."""

# Rows $1 up to $2 of $4 are spread evenly over the 29 days before the last hour; the $3 keys take
# turns.
_SPREAD = """
select n, md5((n % $3)::text)::uuid::text as key, n / $3 + 1 as sequence,
    interval '-1 hour' - interval '29 days' * (1 - n::float8 / $4) as shift
from generate_series($1::bigint, $2::bigint - 1) n
"""
# uuidv7(interval) exists since PostgreSQL 18, which is the embedded version.
_FILL_LOG = f"""
insert into messaging.log (id, position, type, key, sequence, correlation_id, recorded_at, body)
select id, nextval('messaging.position'), '{TYPE}', key, sequence, id, at,
    (rpad('{{"page":"' || key || '","number":' || n || ',"text":"', {BODY_BYTES - 2}, 'x')
        || '"}}')::json
from (
    select *, uuidv7(shift) as id, clock_timestamp() + shift as at from ({_SPREAD}) spread
    offset 0
) made
"""
_FILL_INBOX = f"""
insert into messaging.inbox (event_id, subscription, heard_at)
select uuidv7(shift), '{SUBSCRIPTION}', clock_timestamp() + shift
from ({_SPREAD}) spread
"""
_PAST_DAYS = """
select messaging.add_part($1, $2, d, d + interval '1 day') from generate_series(
    date_trunc('day', now() - interval '31 days', 'UTC'),
    (select min(starts) - interval '1 day' from messaging.part where parent = $1),
    interval '1 day') d
"""
_FILL_COUNTERS = f"""
insert into messaging.counter (key, last)
select md5(n::text)::uuid::text, {EVENTS_PER_KEY} from generate_series(0, $1::bigint - 1) n
"""
_FILL_PROGRESS = f"""
insert into messaging.progress (subscription, source, key, sequence)
select '{SUBSCRIPTION}', '/hirewire/{OWNER}', md5(n::text)::uuid::text, {EVENTS_PER_KEY}
from generate_series(0, $1::bigint - 1) n
"""


async def listen(connection: asyncpg.Connection) -> None:
    """Register the reader as a subscriber of the event, as `migrate` would."""
    async with connection.transaction():
        await write_subscribers(connection, {TYPE: [READER]})


async def recorded(connection: asyncpg.Connection) -> int:
    """The number of events in the log, sent or not."""
    return int(await connection.fetchval("select count(*) from messaging.log"))


async def unsent(connection: asyncpg.Connection) -> int:
    """The number of events that are recorded and not yet marked as sent."""
    return int(await connection.fetchval("select count(*) from messaging.outbox"))


async def handled(connection: asyncpg.Connection) -> int:
    """The number of messages that took effect, according to the inbox."""
    entered = await connection.fetchval("select count(*) from messaging.inbox")
    return int(entered) - await still_open(connection)


async def still_open(connection: asyncpg.Connection) -> int:
    """The number of messages that are retrying, waiting or dead."""
    return int(
        await connection.fetchval(
            "select count(*) from messaging.open_message where state <> 'discarded'"
        )
    )


async def truncate(connection: asyncpg.Connection) -> None:
    """Empty all tables except the list of subscribers."""
    await connection.execute(
        "truncate messaging.counter, messaging.log, messaging.outbox, messaging.inbox, "
        "messaging.open_message, messaging.progress, messaging.suspect"
    )


async def empty_queues(url: str) -> None:
    """Remove all messages from a broker that is a PostgreSQL database."""
    connection = await connect(url, application="bench")
    try:
        await connection.execute("truncate broker.message")
    finally:
        await connection.close()


async def fill_log(connection: asyncpg.Connection, rows: int) -> None:
    """Fill the log with sent events of the last 30 days, 10 per key, and their counters."""
    await connection.execute("set synchronous_commit = off")  # for this session, while filling
    await connection.execute(_PAST_DAYS, "log", "id")
    for start in range(0, rows, CHUNK):
        await connection.execute(
            _FILL_LOG, start, min(start + CHUNK, rows), rows // EVENTS_PER_KEY, rows
        )
    await connection.execute(_FILL_COUNTERS, rows // EVENTS_PER_KEY)
    await vacuum(connection)


async def fill_inbox(connection: asyncpg.Connection, rows: int) -> None:
    """Fill the inbox with handled messages of the last 30 days, 10 per key, and their progress."""
    await connection.execute("set synchronous_commit = off")
    await connection.execute(_PAST_DAYS, "inbox", "event_id")
    for start in range(0, rows, CHUNK):
        await connection.execute(
            _FILL_INBOX, start, min(start + CHUNK, rows), rows // EVENTS_PER_KEY, rows
        )
    await connection.execute(_FILL_PROGRESS, rows // EVENTS_PER_KEY)
    await vacuum(connection)


async def forget(connection: asyncpg.Connection, since: datetime) -> None:
    """Remove what was logged and consumed since then, so that the tables keep their size."""
    first = "messaging.first_id($1)"
    await connection.execute(f"delete from messaging.log where id >= {first}", since)
    await connection.execute(f"delete from messaging.inbox where event_id >= {first}", since)
    await vacuum(connection)


async def vacuum(connection: asyncpg.Connection) -> None:
    """Vacuum, so that autovacuum has nothing to do during a measurement."""
    await connection.execute("set synchronous_commit = on")
    await connection.execute("vacuum (analyze)")
