"""Durable queues in PostgreSQL, in a database of their own: one machine needs nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from hirewire.messaging.background import Wake, describe
from hirewire.messaging.broker import (
    BATCH_BYTES,
    BROADCAST_BYTES,
    BROADCAST_MESSAGES,
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
from hirewire.messaging.locks import (
    BEAT_SECONDS,
    IDLE_SECONDS,
    Session,
    SessionShared,
    lock_number,
    open_session,
)

CHANNEL = "hirewire_broker"
POLL_SECONDS = 1.0
STANDBY_SECONDS = 0.5
CONFIRM_SECONDS = 30.0
"""How long a server may take to confirm what is published; then the connection is given up."""
WATCH_SECONDS = 2.0
"""How often a broadcast's reader is checked not to have fallen behind."""
_UNWRITABLE = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, ValueError)
"""Errors that are one message's own."""

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
    returning queue, type
)
select type, pg_notify($4, queue) from (select distinct queue, type from published) p
"""
_BOUND = r"""
select distinct k.key from unnest($1::text[]) as k(key) join broker.binding b
    on b.type in (k.key, substring(k.key from '^(?:to\.[^.]+|part\.[^.]+\.[0-9]+)\.') || '#')
"""
# Never past a position: a lower one may belong to a transaction that has not committed yet.
_FETCH = """
with next as (
    select position from (
        select position, size, sum(size) over (order by position) as total from (
            select position, octet_length(body) as size
            from broker.message where queue = $1 order by position limit $2) m) s
    where total <= $3 or total = size
)
update broker.message m set delivery_count = m.delivery_count + 1
from next where m.queue = $1 and m.position = next.position
returning m.position, m.type, m.body, m.headers, m.delivery_count - 1 as delivery_count
"""
_ACK = "delete from broker.message where queue = $1 and position = any($2::bigint[])"
_BEHIND = """
select count(*) > $2 or coalesce(sum(size), 0) > $3
from (select octet_length(body) as size from broker.message where queue = $1 limit $2 + 1) m
"""
_DROP_ORPHANS = """
with orphan as (
    delete from broker.queue
    where owner_lock is not null and pg_try_advisory_xact_lock(owner_lock) returning name
)
delete from broker.message where queue in (select name from orphan)
"""
# A publisher that saw the binding just before may put something into a queue that is gone.
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


class PostgresBroker:
    """Queues in the database at ``postgresql://…``, which must exist."""

    keeps_order_within_batch = True

    def __init__(
        self,
        url: str,
        *,
        client: str,
        idle_seconds: float = IDLE_SECONDS,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        """`idle_seconds`: how long a consumer may be frozen before another one takes its place;
        `confirm_seconds`: how long a server may take to confirm what is published.
        """
        self._confirm_seconds = confirm_seconds
        self._url = url
        self._client = client
        self._idle_seconds = idle_seconds
        self._connection: asyncpg.Connection | None = None
        self._busy = asyncio.Lock()
        self._watcher: asyncpg.Connection | None = None
        self._watching = asyncio.Lock()
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
                    await connection.execute(_DROP_LEFT_OVER)
            except Exception as error:
                raise _translated(error) from error

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`. Whoever publishes meanwhile has done it, or finds no queue."""
        async with self._busy:
            connection = await self._control()
            try:
                async with connection.transaction():
                    await _declare(connection, [])
                    await connection.execute(
                        "lock table broker.message in share row exclusive mode"
                    )
                    await connection.execute("delete from broker.queue where name = $1", queue)
                await connection.execute("delete from broker.message where queue = $1", queue)
            except Exception as error:
                raise _translated(error) from error

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`: one transaction, whose commit is the confirm."""
        async with self._busy:
            connection = await self._control()
            try:
                async with asyncio.timeout(self._confirm_seconds):
                    return await _publish_all(connection, messages, set())
            except Exception as error:
                if isinstance(error, TimeoutError):  # what was asked is still under way there
                    connection.terminate()
                raise _translated(error) from error

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`. A batch is fetched once the one before it is acked."""
        holder = await self._hold("consumer")
        try:
            await holder.declare(topology)
            wake = await holder.listen(topology.queue)
            lock = lock_number(f"consumer {topology.queue}")
            while not await holder.try_lock(lock):
                await asyncio.sleep(STANDBY_SECONDS)
            async for batch in self._batches(holder, topology.queue, limit, wake):
                yield batch
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translated(error) from error
        finally:
            await holder.close()

    async def _batches(
        self, holder: "_Holder", queue: str, limit: int, wake: Wake
    ) -> AsyncGenerator[Sequence[Delivery]]:
        while True:
            rows = await holder.fetch(_FETCH, queue, limit, BATCH_BYTES)
            if not rows:
                if not await holder.fetch("select from broker.queue where name = $1", queue):
                    raise BrokerUnavailable(f"{queue} is not there any more")
                await wake.wait(POLL_SECONDS)
                continue
            rows.sort(key=lambda row: row["position"])
            lease = _Lease(holder, queue, [row["position"] for row in rows])
            yield [_delivery(row, lease) for row in rows]
            if lease.unacked:
                await lease.acked.wait()

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`: a queue that goes with its connection."""
        holder = await self._hold("broadcast")
        queue = f"broadcast.{new_id()}"
        try:
            await holder.try_lock(lock_number(queue))
            wake = await holder.listen(queue)
            await holder.declare(QueueTopology(queue, tuple(types)), broadcast=True)
            holder.watched = queue
            yield []
            while True:
                rows = await holder.fetch(_FETCH, queue, 1000, BATCH_BYTES)
                if rows:
                    rows.sort(key=lambda row: row["position"])
                    await holder.fetch(_ACK, queue, [row["position"] for row in rows])
                    yield [_delivery(row, None) for row in rows]
                else:
                    await wake.wait(POLL_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translated(error) from error
        finally:
            with suppress(Exception):
                await holder.drop(queue)
            await holder.close()

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        lease = delivery.lease
        if not isinstance(lease, _Lease):
            raise TypeError("not a delivery of this broker")
        await lease.ack(delivery.position)

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`. Whether there is a consumer is told by its session lock."""
        lock = lock_number(f"consumer {queue}") & (2**64 - 1)
        row = await self._look(
            "select (select count(*) from broker.message where queue = $1), "
            "(select count(*) from pg_locks where locktype = 'advisory' and granted "
            "and classid = $2::bigint and objid = $3::bigint "
            "and database = (select oid from pg_database where datname = current_database()))",
            queue,
            lock >> 32,
            lock & (2**32 - 1),
        )
        return QueueStats(row[0], row[1])

    async def ping(self) -> None:
        """See `Broker.ping`."""
        await self._look("select 1")

    async def _look(self, query: str, *arguments: Any) -> asyncpg.Record:
        """Ask on a connection of its own: nothing that is published waits for the answer."""
        async with self._watching:
            if self._watcher is None or self._watcher.is_closed():
                self._watcher = await self._connect("watcher")
            try:
                rows: list[asyncpg.Record] = await self._watcher.fetch(query, *arguments)
                return rows[0]
            except Exception as error:
                raise _translated(error) from error

    async def close(self) -> None:
        """See `Broker.close`."""
        self._connection = self._watcher = None
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

    async def _hold(self, purpose: str) -> "_Holder":
        try:
            session = await open_session(
                self._url,
                application=f"{self._client} {purpose}",
                idle_seconds=self._idle_seconds,
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translated(error) from error
        self._open.add(session.connection)
        return _Holder(session, self._open)

    async def _disconnect(self, connection: asyncpg.Connection) -> None:
        self._open.discard(connection)
        with suppress(Exception):
            await connection.close(timeout=2)
        if not connection.is_closed():
            connection.terminate()


class _Holder:
    """A session that holds a queue's lock, one statement at a time. It speaks also while nobody
    asks it anything: its batch may be handled for minutes.
    """

    def __init__(self, session: Session, known: set[asyncpg.Connection]) -> None:
        self.connection = session.connection
        self.watched: str | None = None
        """A broadcast's queue: it is dropped when its reader falls far behind."""
        self._session = session
        self._known = known
        self._busy = asyncio.Lock()
        self._error: Exception | None = None
        self._wakes: list[Wake] = []
        self._beating = asyncio.create_task(self._beat())

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run one statement."""
        async with self._busy:
            if self._error is not None:
                raise self._error
            rows: list[asyncpg.Record] = await self.connection.fetch(query, *arguments)
            return rows

    async def try_lock(self, number: int) -> bool:
        """Take a lock, unless another session has it."""
        async with self._busy:
            return await self._session.try_lock(number)

    async def listen(self, queue: str) -> Wake:
        """A wake that is called when something is put into the queue, and at the end."""
        wake = Wake()
        self._wakes.append(wake)

        def on_notify(*arguments: Any) -> None:
            if arguments[-1] == queue:
                wake()

        self.connection.add_termination_listener(lambda _: wake())
        async with self._busy:
            await self.connection.add_listener(CHANNEL, on_notify)
        return wake

    async def declare(self, topology: QueueTopology, *, broadcast: bool = False) -> None:
        """Make the queue; one for a broadcast belongs to this session's lock of its name."""
        async with self._busy, self.connection.transaction():
            await _declare(self.connection, [topology])
            if broadcast:
                await self.connection.execute(
                    "update broker.queue set owner_lock = $2 where name = $1",
                    topology.queue,
                    lock_number(topology.queue),
                )
                await self.connection.execute(_DROP_ORPHANS_BUT, topology.queue)
                await self.connection.execute(_DROP_LEFT_OVER)

    async def drop(self, queue: str) -> None:
        """Take a queue away, with all that is in it."""
        async with self._busy:
            await self.connection.execute("delete from broker.queue where name = $1", queue)
            await self.connection.execute("delete from broker.message where queue = $1", queue)

    async def close(self) -> None:
        """End the session."""
        self._beating.cancel()
        with suppress(asyncio.CancelledError):
            await self._beating
        self._known.discard(self.connection)
        await self._session.close()

    async def _beat(self) -> None:
        try:
            while True:
                await asyncio.sleep(BEAT_SECONDS if self.watched is None else WATCH_SECONDS)
                async with self._busy:
                    await self._session.check()
                if self.watched is not None and await self._is_behind(self.watched):
                    await self.drop(self.watched)
                    raise BrokerUnavailable("the reader is too slow: too much waits for it")
        except Exception as error:
            self._error = error
            for wake in self._wakes:
                wake()
            self.connection.terminate()

    async def _is_behind(self, queue: str) -> bool:
        rows = await self.fetch(_BEHIND, queue, BROADCAST_MESSAGES, BROADCAST_BYTES)
        return bool(rows[0][0])


@dataclass(slots=True)
class _Lease:
    """A batch that was fetched: what of it is not acked yet."""

    holder: _Holder
    queue: str
    unacked: list[int]
    acked: asyncio.Event

    def __init__(self, holder: _Holder, queue: str, positions: list[int]) -> None:
        self.holder, self.queue, self.unacked = holder, queue, positions
        self.acked = asyncio.Event()
        holder.connection.add_termination_listener(self._end)

    def _end(self, _: object) -> None:
        self.acked.set()

    async def ack(self, position: int) -> None:
        done = [one for one in self.unacked if one <= position]
        try:
            await self.holder.fetch(_ACK, self.queue, done)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translated(error) from error
        self.unacked = [one for one in self.unacked if one > position]
        if not self.unacked:
            self.holder.connection.remove_termination_listener(self._end)
            self.acked.set()


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


async def _publish_all(
    connection: asyncpg.Connection, messages: Sequence[Message], missed: set[str]
) -> list[Outcome]:
    """Publish in one transaction; where a message cannot be written, in halves, to find it.

    `missed` are keys of which a message was not taken: no later one is.
    """
    held_back = [message.key in missed for message in messages]
    rest = [m for m, held in zip(messages, held_back, strict=True) if not held]
    missed_before = set(missed)
    try:
        outcomes = await _publish_together(connection, rest, missed)
    except _UNWRITABLE as error:
        missed.clear()
        missed.update(missed_before)
        if len(rest) == 1:
            rest[0].refusal = describe(error)
            missed.add(rest[0].key)
            outcomes = [Outcome.REFUSED]
        else:
            middle = len(rest) // 2
            outcomes = await _publish_all(connection, rest[:middle], missed)
            outcomes += await _publish_all(connection, rest[middle:], missed)
    found = iter(outcomes)
    return [Outcome.HELD_BACK if held else next(found) for held in held_back]


async def _publish_together(
    connection: asyncpg.Connection, messages: Sequence[Message], missed: set[str]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    taken: list[Message] = []
    async with connection.transaction():
        keys = sorted({message.routing_key for message in messages})
        bound = {row["key"] for row in await connection.fetch(_BOUND, keys)}
        for message in messages:
            if message.key in missed:
                outcomes.append(Outcome.HELD_BACK)
            elif message.routing_key in bound:
                taken.append(message)
                outcomes.append(Outcome.CONFIRMED)
            elif message.mandatory:
                missed.add(message.key)
                outcomes.append(Outcome.UNROUTABLE)
            else:
                outcomes.append(Outcome.CONFIRMED)
        if taken:
            rows = await connection.fetch(
                _PUBLISH,
                [m.routing_key for m in taken],
                [m.body for m in taken],
                [_stored_headers(m) for m in taken],
                CHANNEL,
            )
            if {row["type"] for row in rows} != {m.routing_key for m in taken}:
                raise BrokerUnavailable("a queue has gone while it was published to")
    return outcomes


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
    if isinstance(error, (asyncpg.InsufficientPrivilegeError, SessionShared)):
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
