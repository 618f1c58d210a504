"""Durable queues in a separate PostgreSQL database: no other broker is needed."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from hirewire.messaging.background import Wake, describe
from hirewire.messaging.broker import (
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
    Redaction,
)
from hirewire.messaging.brokers.postgres.errors import LOST, translated
from hirewire.messaging.brokers.postgres.publishing import publish_all
from hirewire.messaging.brokers.postgres.queues import declare_exactly, delete, redact
from hirewire.messaging.brokers.postgres.sessions import Lease, QueueSession
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id
from hirewire.messaging.locks import IDLE_SECONDS, lock_number, open_session

POLL_SECONDS = 1.0
STANDBY_SECONDS = 0.5
CONFIRM_SECONDS = 30.0
"""How long the server may take to confirm; after that the connection is closed."""
BROADCAST_BATCH = 1000
REST_SECONDS = 30.0
"""A connection for publishing that is not used for so long is closed."""


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
        """`idle_seconds`: how long a consumer may be frozen before another one replaces it.

        `confirm_seconds`: how long the server may take to confirm published messages.
        """
        self._confirm_seconds = confirm_seconds
        self._url = url
        self._client = client
        self._idle_seconds = idle_seconds
        self._connection: asyncpg.Connection | None = None
        self._used_at = 0.0
        self._busy = asyncio.Lock()
        self._watcher: asyncpg.Connection | None = None
        self._watching = asyncio.Lock()
        self._open: set[asyncpg.Connection] = set()

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`."""
        async with self._busy:
            connection = await self._control()
            try:
                await declare_exactly(connection, queues)
            except Exception as error:
                raise translated(error) from error

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`."""
        async with self._busy:
            connection = await self._control()
            try:
                await delete(connection, queue)
            except Exception as error:
                raise translated(error) from error

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`: one transaction, whose commit is the confirm."""
        async with self._busy:
            connection = await self._control()
            try:
                async with asyncio.timeout(self._confirm_seconds):
                    return await publish_all(connection, messages, set())
            except Exception as error:
                if isinstance(error, TimeoutError):  # the request is still running there
                    connection.terminate()
                raise translated(error) from error

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`. A batch is fetched once the previous one is acknowledged."""
        session = await self._open_session("consumer")
        try:
            await session.declare(topology)
            wake = await session.listen(topology.queue)
            lock = lock_number(f"consumer {topology.queue}")
            while not await session.try_lock(lock):
                await asyncio.sleep(STANDBY_SECONDS)
            async for batch in self._batches(session, topology.queue, limit, wake):
                yield batch
        except LOST as error:
            raise translated(error) from error
        finally:
            await session.close()

    async def _batches(
        self, session: QueueSession, queue: str, limit: int, wake: Wake
    ) -> AsyncGenerator[Sequence[Delivery]]:
        while True:
            rows = await session.next_batch(queue, limit)
            if not rows:
                if not await session.fetch("select from broker.queue where name = $1", queue):
                    raise BrokerUnavailable(f"{queue} is not there any more")
                await wake.wait(POLL_SECONDS)
                continue
            lease = Lease(session, queue, [row["position"] for row in rows])
            yield [_delivery(row, lease) for row in rows]
            if lease.unacked:
                await lease.acked.wait()

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`: the queue is deleted with its connection."""
        session = await self._open_session("broadcast")
        queue = f"broadcast.{new_id()}"
        try:
            await session.try_lock(lock_number(queue))
            wake = await session.listen(queue)
            await session.declare(QueueTopology(queue, tuple(types)), broadcast=True)
            session.watched = queue
            yield []
            while True:
                rows = await session.next_batch(queue, BROADCAST_BATCH)
                if rows:
                    await session.ack(queue, [row["position"] for row in rows])
                    yield [_delivery(row, None) for row in rows]
                else:
                    await wake.wait(POLL_SECONDS)
        except LOST as error:
            raise translated(error) from error
        finally:
            with suppress(Exception):
                await session.drop(queue)
            await session.close()

    async def redact(self, text: str, redaction: Redaction) -> int:
        """See `RedactsQueues.redact`: in all queues."""
        async with self._busy:
            connection = await self._control()
            try:
                return await redact(connection, text, redaction)
            except Exception as error:
                raise translated(error) from error

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        lease = delivery.lease
        if not isinstance(lease, Lease):
            raise TypeError("not a delivery of this broker")
        await lease.ack(delivery.position)

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`. A session lock shows whether there is a consumer."""
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
        """Query on a separate connection, so that publishing does not wait for the result."""
        async with self._watching:
            if self._watcher is None or self._watcher.is_closed():
                self._watcher = await self._connect("watcher")
            try:
                rows: list[asyncpg.Record] = await self._watcher.fetch(query, *arguments)
                return rows[0]
            except Exception as error:
                raise translated(error) from error
            finally:
                await self._rest()

    async def close(self) -> None:
        """See `Broker.close`."""
        self._connection = self._watcher = None
        for connection in list(self._open):
            await self._disconnect(connection)

    async def _control(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect("publisher")
        self._used_at = time.monotonic()
        return self._connection

    async def _rest(self) -> None:
        """Close the connection for publishing if it is not in use: it takes 5 MiB there."""
        if self._connection is None or self._busy.locked():
            return
        if time.monotonic() >= self._used_at + REST_SECONDS:
            unused, self._connection = self._connection, None
            await self._disconnect(unused)

    async def _connect(self, purpose: str) -> asyncpg.Connection:
        try:
            connection = await connect(self._url, application=f"{self._client} {purpose}")
        except LOST as error:
            raise BrokerUnavailable(describe(error)) from error
        self._open.add(connection)
        return connection

    async def _open_session(self, purpose: str) -> QueueSession:
        try:
            session = await open_session(
                self._url,
                application=f"{self._client} {purpose}",
                idle_seconds=self._idle_seconds,
            )
        except LOST as error:
            raise translated(error) from error
        self._open.add(session.connection)
        return QueueSession(session, self._open)

    async def _disconnect(self, connection: asyncpg.Connection) -> None:
        self._open.discard(connection)
        with suppress(Exception):
            await connection.close(timeout=2)
        if not connection.is_closed():
            connection.terminate()


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
