"""Queues and their bindings as tables, created when first needed."""

from collections.abc import Sequence

import asyncpg

from hirewire.messaging.broker import QueueTopology, Redaction, event_of
from hirewire.messaging.locks import lock_number

_SCHEMA = """
create schema if not exists broker;
create table if not exists broker.queue (
    name text primary key,
    owner_lock bigint
);
comment on column broker.queue.owner_lock is
    'Of a queue that goes with its connection: the session lock which that connection holds';
create table if not exists broker.binding (
    queue text not null references broker.queue on delete cascade,
    type text not null,
    primary key (type, queue)
);
create table if not exists broker.message (
    queue text not null,
    position bigint generated always as identity,
    type text not null,
    body bytea not null,
    headers json not null,
    delivery_count integer not null default 0,
    published_at timestamptz not null default clock_timestamp(),
    primary key (queue, position)
);
"""
_DROP_ORPHANS = """
with orphan as (
    delete from broker.queue
    where owner_lock is not null and pg_try_advisory_xact_lock(owner_lock) returning name
)
delete from broker.message where queue in (select name from orphan)
"""
# A publisher that saw the binding just before may put a message into a deleted queue.
_DROP_LEFT_OVER = """
with recursive holding (queue) as (
    (select queue from broker.message order by queue limit 1)
    union all
    select (select queue from broker.message where queue > h.queue order by queue limit 1)
    from holding h where h.queue is not null
)
delete from broker.message m using holding h
where m.queue = h.queue and h.queue like 'broadcast.%'
    and not exists (select from broker.queue q where q.name = h.queue)
"""
_DROP_ORPHANS_BUT = _DROP_ORPHANS.replace(
    "where owner_lock is not null and", "where owner_lock is not null and name <> $1 and"
)

_NAMING = """
select queue, position, type, body from broker.message
where position(convert_to($1, 'UTF8') in body) > 0 for update skip locked
"""
_REPLACE = "update broker.message set body = $3 where queue = $1 and position = $2"


async def declare_exactly(connection: asyncpg.Connection, queues: Sequence[QueueTopology]) -> None:
    """Create these queues with exactly these bindings, and delete queues without an owner."""
    async with connection.transaction():
        await declare(connection, queues)
        for topology in queues:
            await connection.execute(
                "delete from broker.binding where queue = $1 and type <> all($2)",
                topology.queue,
                list(topology.bindings),
            )
        await connection.execute(_DROP_ORPHANS)
        await connection.execute(_DROP_LEFT_OVER)


async def declare_own(connection: asyncpg.Connection, topology: QueueTopology) -> None:
    """Create the queue of a consumer, if it is missing."""
    async with connection.transaction():
        await declare(connection, [topology])


async def declare_broadcast(connection: asyncpg.Connection, topology: QueueTopology) -> None:
    """Create a queue that belongs to the lock of its name, which this session holds."""
    async with connection.transaction():
        await declare(connection, [topology])
        await connection.execute(
            "update broker.queue set owner_lock = $2 where name = $1",
            topology.queue,
            lock_number(topology.queue),
        )
        await connection.execute(_DROP_ORPHANS_BUT, topology.queue)
        await connection.execute(_DROP_LEFT_OVER)


async def delete(connection: asyncpg.Connection, queue: str) -> None:
    """Delete a queue. A concurrent publisher has either finished before, or finds no queue."""
    async with connection.transaction():
        await declare(connection, [])
        await connection.execute("lock table broker.message in share row exclusive mode")
        await connection.execute("delete from broker.queue where name = $1", queue)
    await connection.execute("delete from broker.message where queue = $1", queue)


async def declare(connection: asyncpg.Connection, queues: Sequence[QueueTopology]) -> None:
    """Create what is missing, in the caller's transaction; concurrent calls wait for each other."""
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("broker schema"))
    if not await connection.fetchval("select to_regclass('broker.message') is not null"):
        await connection.execute(_SCHEMA)
    for topology in queues:
        await connection.execute(
            "insert into broker.queue (name) values ($1) on conflict do nothing", topology.queue
        )
        await connection.execute(
            "insert into broker.binding (queue, type) select $1, unnest($2::text[]) "
            "on conflict do nothing",
            topology.queue,
            list(topology.bindings),
        )


async def redact(connection: asyncpg.Connection, text: str, redaction: Redaction) -> int:
    """Redact the messages of all queues whose bodies contain this text; returns how many."""
    async with connection.transaction():
        if not await connection.fetchval("select to_regclass('broker.message') is not null"):
            return 0
        replaced = [
            (row["queue"], row["position"], body)
            for row in await connection.fetch(_NAMING, text)
            if (body := redaction(event_of(row["type"]), row["body"])) is not None
        ]
        await connection.executemany(_REPLACE, replaced)
    return len(replaced)
