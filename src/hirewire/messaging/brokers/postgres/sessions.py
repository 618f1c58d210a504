"""Sessions that hold a queue's lock, and the deliveries a reader has not acknowledged."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from hirewire.messaging.background import Wake
from hirewire.messaging.broker import (
    BATCH_BYTES,
    BROADCAST_BYTES,
    BROADCAST_MESSAGES,
    BrokerUnavailable,
    QueueTopology,
)
from hirewire.messaging.brokers.postgres import queues
from hirewire.messaging.brokers.postgres.errors import LOST, translated
from hirewire.messaging.brokers.postgres.publishing import CHANNEL
from hirewire.messaging.locks import BEAT_SECONDS, Session

WATCH_SECONDS = 2.0
"""Seconds between checks that the reader of a broadcast has not fallen behind."""

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


class QueueSession:
    """A session that holds a queue's lock and runs one statement at a time.

    It also sends queries while idle, since its batch may take minutes.
    """

    def __init__(self, session: Session, known: set[asyncpg.Connection]) -> None:
        self.connection = session.connection
        self.watched: str | None = None
        """A broadcast's queue. It is dropped when its reader falls far behind."""
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

    async def next_batch(self, queue: str, limit: int) -> list[asyncpg.Record]:
        """The first rows of a queue, in order."""
        rows = await self.fetch(_FETCH, queue, limit, BATCH_BYTES)
        rows.sort(key=lambda row: row["position"])
        return rows

    async def ack(self, queue: str, positions: list[int]) -> None:
        """Delete these rows."""
        await self.fetch(_ACK, queue, positions)

    async def try_lock(self, number: int) -> bool:
        """Take a lock, unless another session has it."""
        async with self._busy:
            return await self._session.try_lock(number)

    async def listen(self, queue: str) -> Wake:
        """A wake-up that is triggered when a message enters the queue, and at the end."""
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
        """Create the queue; that of a broadcast belongs to this session's lock of its name."""
        async with self._busy:
            if broadcast:
                await queues.declare_broadcast(self.connection, topology)
            else:
                await queues.declare_own(self.connection, topology)

    async def drop(self, queue: str) -> None:
        """Delete a queue with its messages."""
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
class Lease:
    """The unacknowledged part of a fetched batch."""

    session: QueueSession
    queue: str
    unacked: list[int]
    acked: asyncio.Event

    def __init__(self, session: QueueSession, queue: str, positions: list[int]) -> None:
        self.session, self.queue, self.unacked = session, queue, positions
        self.acked = asyncio.Event()
        session.connection.add_termination_listener(self._end)

    def _end(self, _: object) -> None:
        self.acked.set()

    async def ack(self, position: int) -> None:
        """Delete the rows up to this position."""
        done = [one for one in self.unacked if one <= position]
        try:
            await self.session.ack(self.queue, done)
        except LOST as error:
            raise translated(error) from error
        self.unacked = [one for one in self.unacked if one > position]
        if not self.unacked:
            self.session.connection.remove_termination_listener(self._end)
            self.acked.set()
