"""Durable queues in PostgreSQL, in a database of their own: one machine needs nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from hirewire.messaging.broker import (
    BrokerMisconfigured,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
)
from hirewire.messaging.database import connect, is_away
from hirewire.messaging.ids import new_id
from hirewire.messaging.loops import Wake, describe
from hirewire.messaging.relay import lock_number

CHANNEL = "hirewire_broker"
POLL_SECONDS = 1.0
STANDBY_SECONDS = 0.5

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
# Positions are drawn in the order of the array: within a batch, order is kept.
_PUBLISH = r"""
with published as (
    insert into broker.message (queue, type, body, headers)
    select b.queue, m.type, m.body, m.headers
    from unnest($1::text[], $2::bytea[], $3::json[]) with ordinality as m(type, body, headers, nth)
    join broker.binding b on b.type in (
        m.type, substring(m.type from '^(?:to\.[^.]+|part\.[^.]+\.[0-9]+)\.') || '#')
    order by m.nth
    returning queue
)
select pg_notify($4, queue) from (select distinct queue from published) q
"""
_BOUND = r"""
select distinct k.key from unnest($1::text[]) as k(key) join broker.binding b
    on b.type in (k.key, substring(k.key from '^(?:to\.[^.]+|part\.[^.]+\.[0-9]+)\.') || '#')
"""
# Never past a position: a lower one may belong to a transaction that has not committed yet.
_FETCH = """
with next as (
    select position from broker.message where queue = $1 order by position limit $2
)
update broker.message m set delivery_count = m.delivery_count + 1
from next where m.queue = $1 and m.position = next.position
returning m.position, m.type, m.body, m.headers, m.delivery_count - 1 as delivery_count
"""
_ACK = "delete from broker.message where queue = $1 and position = any($2::bigint[])"
_DROP_ORPHANS = """
with orphan as (
    delete from broker.queue
    where owner_lock is not null and pg_try_advisory_xact_lock(owner_lock) returning name
)
delete from broker.message where queue in (select name from orphan)
"""


class PostgresBroker:
    """Queues in the database at ``postgresql://…``, which must exist."""

    def __init__(self, url: str, *, client: str) -> None:
        self._url = url
        self._client = client
        self._connection: asyncpg.Connection | None = None
        self._busy = asyncio.Lock()
        self._open: set[asyncpg.Connection] = set()

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`."""
        async with self._busy:
            connection = await self._control()
            try:
                async with connection.transaction():
                    await _declare(connection, queues)
                    for topology in queues:
                        await connection.execute(
                            "delete from broker.binding where queue = $1 and type <> all($2)",
                            topology.queue,
                            list(topology.bindings),
                        )
                    await connection.execute(_DROP_ORPHANS)
            except Exception as error:
                raise _translated(error) from error

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`: one transaction, whose commit is the confirm."""
        keys = sorted({m.routing_key for m in messages})
        async with self._busy:
            connection = await self._control()
            try:
                async with connection.transaction():
                    rows = await connection.fetch(
                        _BOUND,
                        keys,
                    )
                    bound = {row["key"] for row in rows}
                    await connection.execute(
                        _PUBLISH,
                        [m.routing_key for m in messages],
                        [m.body for m in messages],
                        [_stored_headers(m) for m in messages],
                        CHANNEL,
                    )
            except Exception as error:
                raise _translated(error) from error
        return [
            Outcome.CONFIRMED if m.routing_key in bound else Outcome.UNROUTABLE for m in messages
        ]

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`. A batch is fetched once the one before it is acked."""
        connection = await self._connect("consumer")
        try:
            async with connection.transaction():
                await _declare(connection, [topology])
            wake = Wake()

            def on_notify(*arguments: Any) -> None:
                if arguments[-1] == topology.queue:
                    wake()

            connection.add_termination_listener(lambda _: wake())
            await connection.add_listener(CHANNEL, on_notify)
            lock = lock_number(f"consumer {topology.queue}")
            while not await connection.fetchval("select pg_try_advisory_lock($1)", lock):
                await asyncio.sleep(STANDBY_SECONDS)
            async for batch in self._batches(connection, topology.queue, limit, wake):
                yield batch
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translated(error) from error
        finally:
            await self._disconnect(connection)

    async def _batches(
        self, connection: asyncpg.Connection, queue: str, limit: int, wake: Wake
    ) -> AsyncGenerator[Sequence[Delivery]]:
        while True:
            rows = await connection.fetch(_FETCH, queue, limit)
            if not rows:
                if not await connection.fetchval(
                    "select true from broker.queue where name = $1", queue
                ):
                    raise BrokerUnavailable(f"{queue} is not there any more")
                await wake.wait(POLL_SECONDS)
                continue
            rows.sort(key=lambda row: row["position"])
            lease = _Lease(connection, queue, [row["position"] for row in rows])
            yield [_delivery(row, lease) for row in rows]
            if lease.unacked:
                await lease.settled.wait()

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`: a queue that goes with its connection."""
        connection = await self._connect("broadcast")
        queue = f"broadcast.{new_id()}"
        lock = lock_number(queue)
        try:
            await connection.execute("select pg_advisory_lock($1)", lock)
            wake = Wake()
            connection.add_termination_listener(lambda _: wake())
            await connection.add_listener(CHANNEL, lambda *a: wake() if a[-1] == queue else None)
            async with connection.transaction():
                await _declare(connection, [QueueTopology(queue, tuple(types))])
                await connection.execute(
                    "update broker.queue set owner_lock = $2 where name = $1", queue, lock
                )
                await connection.execute(_DROP_ORPHANS_BUT, queue)
            yield []
            while True:
                rows = await connection.fetch(_FETCH, queue, 1000)
                if rows:
                    rows.sort(key=lambda row: row["position"])
                    await connection.execute(_ACK, queue, [row["position"] for row in rows])
                    yield [_delivery(row, None) for row in rows]
                else:
                    await wake.wait(POLL_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translated(error) from error
        finally:
            with suppress(Exception):
                await connection.execute("delete from broker.queue where name = $1", queue)
                await connection.execute("delete from broker.message where queue = $1", queue)
            await self._disconnect(connection)

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        lease = delivery.lease
        if not isinstance(lease, _Lease):
            raise TypeError("not a delivery of this broker")
        await lease.ack(delivery.position)

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`. Whether there is a consumer is told by its session lock."""
        lock = lock_number(f"consumer {queue}") & (2**64 - 1)
        async with self._busy:
            connection = await self._control()
            try:
                row = await connection.fetchrow(
                    "select (select count(*) from broker.message where queue = $1), "
                    "(select count(*) from pg_locks where locktype = 'advisory' and granted "
                    "and classid = $2::bigint and objid = $3::bigint "
                    "and database = (select oid from pg_database where datname = "
                    "current_database()))",
                    queue,
                    lock >> 32,
                    lock & (2**32 - 1),
                )
            except Exception as error:
                raise _translated(error) from error
        assert row is not None
        return QueueStats(row[0], row[1])

    async def ping(self) -> None:
        """See `Broker.ping`."""
        async with self._busy:
            connection = await self._control()
            try:
                await connection.execute("select 1")
            except Exception as error:
                raise _translated(error) from error

    async def close(self) -> None:
        """See `Broker.close`."""
        self._connection = None
        for connection in list(self._open):
            await self._disconnect(connection)

    async def _control(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect("publisher")
        return self._connection

    async def _connect(self, purpose: str) -> asyncpg.Connection:
        try:
            connection = await connect(self._url, application=f"{self._client} {purpose}")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise BrokerUnavailable(describe(error)) from error
        self._open.add(connection)
        return connection

    async def _disconnect(self, connection: asyncpg.Connection) -> None:
        self._open.discard(connection)
        with suppress(Exception):
            await connection.close(timeout=2)
        if not connection.is_closed():
            connection.terminate()


@dataclass(slots=True)
class _Lease:
    """A batch that was fetched: what of it is not acked yet."""

    connection: asyncpg.Connection
    queue: str
    unacked: list[int]
    settled: asyncio.Event

    def __init__(self, connection: asyncpg.Connection, queue: str, positions: list[int]) -> None:
        self.connection, self.queue, self.unacked = connection, queue, positions
        self.settled = asyncio.Event()
        connection.add_termination_listener(self._end)

    def _end(self, _: object) -> None:
        self.settled.set()

    async def ack(self, position: int) -> None:
        done = [one for one in self.unacked if one <= position]
        try:
            await self.connection.execute(_ACK, self.queue, done)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translated(error) from error
        self.unacked = [one for one in self.unacked if one > position]
        if not self.unacked:
            self.connection.remove_termination_listener(self._end)
            self.settled.set()


_DROP_ORPHANS_BUT = _DROP_ORPHANS.replace(
    "where owner_lock is not null and", "where owner_lock is not null and name <> $1 and"
)


async def _declare(connection: asyncpg.Connection, queues: Sequence[QueueTopology]) -> None:
    """Make what is missing, in the caller's transaction; several at once wait for each other."""
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


def _stored_headers(message: Message) -> str:
    stored = dict(message.headers) | {"message_id": message.id}
    return json.dumps(stored, ensure_ascii=False)


def _delivery(row: asyncpg.Record, lease: object) -> Delivery:
    headers: Mapping[str, str] = json.loads(row["headers"])
    return Delivery(
        body=row["body"],
        routing_key=row["type"],
        headers={name: value for name, value in headers.items() if name != "message_id"},
        message_id=headers.get("message_id"),
        delivery_count=row["delivery_count"],
        position=row["position"],
        lease=lease,
    )


def _translated(error: BaseException) -> BaseException:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return BrokerMisconfigured(describe(error))
    if isinstance(error, BrokerUnavailable) or not (
        is_away(error)
        or isinstance(
            error,
            (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.PostgresError),
        )
    ):
        return error
    return BrokerUnavailable(describe(error))
