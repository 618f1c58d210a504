"""The relay: publishes what is recorded, in order per key, and marks it sent once confirmed."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress

import asyncpg
import structlog

from hirewire.messaging import fences, lineage, metrics, replay, tracing
from hirewire.messaging.broker import EXCHANGE, Broker, BrokerUnavailable, Outcome
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import message_of
from hirewire.messaging.locks import lock_number as lock_number
from hirewire.messaging.loops import Wake, describe, run_steps

log = structlog.get_logger(__name__)

CHANNEL = "hirewire_outbox"
BATCH = 2000
CHUNK = 500
CHUNKS_UNDER_WAY = 4
STEP_SECONDS = 1.0
GATHER_SECONDS = 0.004
"""Least time between two readings of the outbox that found little: many small steps would cost
more than all they publish. Nothing waits that comes after a pause."""
LOOK_SECONDS = 0.25
"""How often a busy relay looks for fences and jobs."""
STANDBY_SECONDS = 1.0

# A row whose last attempt failed holds back the later rows of its key, and nothing else. What is in
# hand already is left out by its number: a lower one may be committed at any time.
_UNSENT = """
select o.position, l.* from (
    select position, id from messaging.outbox u
    where (next_attempt_at is null or next_attempt_at <= clock_timestamp())
      and position <> all($2::bigint[])
      and not exists (
        select from messaging.outbox b
        where b.key = u.key and b.next_attempt_at > clock_timestamp() and b.position < u.position)
    order by position limit $1) o
cross join lateral (
    select id, type, key, epoch, sequence, correlation_id, causation_id, traceparent, recorded_at,
        version, body
    from messaging.log where id = o.id offset 0) l
order by o.position
"""
_SENT = "delete from messaging.outbox where position = any($1::bigint[])"
_FAILED = """
update messaging.outbox set attempts = attempts + 1, error = $2,
    next_attempt_at = clock_timestamp() + least(power(2, least(attempts, 10)) * 0.25, 30)
        * interval '1 second'
where position = any($1::bigint[])
"""
_LISTENED = "select distinct type from messaging.listener where until is null"


class Relay:
    """Publishes one service's outbox. Of several replicas one leads, the others stand by.

    The leader holds a session lock in the service's own database; when its connection dies, the
    lock goes with it. A former leader may still publish what it holds in hand: readers know those
    by their ids, and at most one unconfirmed event of a key is under way, so nothing overtakes.
    """

    def __init__(self, *, service: str, database_url: str, broker: Broker) -> None:
        self.service = service
        self.wake = Wake()
        self._url = database_url
        self._broker = broker
        self._connection: asyncpg.Connection | None = None
        self._leads = False
        self._read_at = 0.0
        self._looked_at = 0.0
        self._works = False

    @property
    def leads(self) -> bool:
        """Whether this replica is the one that publishes."""
        return self._leads

    async def step(self) -> bool:
        """Publish what is there, for about a second. True when there may be more.

        Then, with nothing under way, fences that are due and one piece of each open job.
        """
        connection = await self._lead()
        if connection is None:
            return False
        await self._gather()
        sent, more = await self._publish_unsent(connection)
        if sent and not self._works and time.monotonic() < self._looked_at + LOOK_SECONDS:
            return more
        self._looked_at = time.monotonic()
        await self._send_fences(connection)
        self._works = await replay.work(connection, self.service, self._broker)
        return more or self._works

    async def _gather(self) -> None:
        since = time.monotonic() - self._read_at
        if since < GATHER_SECONDS:
            await asyncio.sleep(GATHER_SECONDS - since)

    async def _publish_unsent(self, connection: asyncpg.Connection) -> tuple[int, bool]:
        """How many were sent, and whether the time was up before all had been read.

        What is committed after the last reading wakes the relay again.
        """
        hand = _Hand()
        under_way: dict[asyncio.Task[Sequence[Outcome]], Sequence[asyncpg.Record]] = {}
        until = time.monotonic() + STEP_SECONDS
        sent = 0
        try:
            while True:
                if hand.ready_count < CHUNK and time.monotonic() < until and not hand.exhausted:
                    rows = await connection.fetch(_UNSENT, BATCH, hand.positions)
                    hand.take(rows, last=len(rows) < BATCH)
                    if len(rows) < BATCH:
                        self._read_at = time.monotonic()
                while hand.ready_count and len(under_way) < CHUNKS_UNDER_WAY:
                    rows = hand.next_chunk(CHUNK)
                    task = asyncio.create_task(self._send(rows))
                    under_way[task] = rows
                if not under_way:
                    return sent, not hand.exhausted
                done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    sent += await self._settle(connection, hand, under_way[task], task)
                    del under_way[task]
        finally:
            for task in under_way:
                task.cancel()
            if under_way:
                await asyncio.wait(under_way)

    async def _send(self, rows: Sequence[asyncpg.Record]) -> Sequence[Outcome]:
        with tracing.sending(EXCHANGE, [row["traceparent"] for row in rows]):
            return await self._broker.publish([message_of(r, self.service) for r in rows])

    async def _settle(
        self,
        connection: asyncpg.Connection,
        hand: "_Hand",
        rows: Sequence[asyncpg.Record],
        published: asyncio.Task[Sequence[Outcome]],
    ) -> int:
        """Mark what was published as sent, and what was not as failed; how many were sent."""
        try:
            outcomes = published.result()
        except BrokerUnavailable:
            metrics.publish_failed.labels(self.service).inc(len(rows))
            raise
        sent = [r for r, o in zip(rows, outcomes, strict=True) if o is Outcome.CONFIRMED]
        lost = [r for r, o in zip(rows, outcomes, strict=True) if o is Outcome.UNROUTABLE]
        refused = [r for r, o in zip(rows, outcomes, strict=True) if o is Outcome.REFUSED]
        if lost:
            listened = {row["type"] for row in await connection.fetch(_LISTENED)}
            sent += [r for r in lost if r["type"] not in listened]
            lost = [r for r in lost if r["type"] in listened]
        if sent:
            await connection.execute(_SENT, [r["position"] for r in sent])
            metrics.published.labels(self.service).inc(len(sent))
        await self._hold(connection, lost, "returned: no queue is bound, though it has listeners")
        await self._hold(connection, refused, "refused by the broker")
        hand.sent(r["key"] for r in sent)
        hand.failed(r["key"] for r in (*lost, *refused))
        return len(sent)

    async def _hold(
        self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], error: str
    ) -> None:
        if not rows:
            return
        await connection.execute(_FAILED, [r["position"] for r in rows], error)
        metrics.publish_failed.labels(self.service).inc(len(rows))
        log.error(
            "events stay unsent",
            service=self.service,
            events=len(rows),
            types=sorted({r["type"] for r in rows}),
            reason=error,
        )

    async def _send_fences(self, connection: asyncpg.Connection) -> None:
        for id, messages in await fences.due(connection, self.service):
            outcomes = await self._broker.publish(messages)
            reached = [
                str(m.to) for m, o in zip(messages, outcomes, strict=True) if o is Outcome.CONFIRMED
            ]
            await fences.sent(connection, id, reached)

    async def _lead(self) -> asyncpg.Connection | None:
        if self._connection is None or self._connection.is_closed():
            self._leads = False
            self._connection = await connect(self._url, application=f"{self.service} relay")
            await self._connection.add_listener(CHANNEL, lambda *_: self.wake())
        if not self._leads and await self._connection.fetchval(
            "select pg_try_advisory_lock($1)", lock_number(f"relay {self.service}")
        ):
            # Nothing is published before it is known which life of the database this is.
            await lineage.settle(self._connection)
            await replay.take_over(self._connection, self.service, self._broker)
            self._leads = True
            log.info("relay leads", service=self.service)
        return self._connection if self._leads else None

    async def run(self) -> None:
        """Publish for ever. Ends by cancellation."""
        try:
            await run_steps("relay", self.step, self.wake, idle=STANDBY_SECONDS, longest_pause=2.0)
        finally:
            await self.close()

    async def close(self) -> None:
        """Give up the lead."""
        connection, self._connection, self._leads = self._connection, None, False
        if connection is not None:
            with suppress(Exception):
                await connection.close(timeout=2)


class _Hand:
    """Rows that were read and are not settled: a line for each key, of which the first may go."""

    def __init__(self) -> None:
        self.exhausted = False
        """Whether the last reading found all there was."""
        self._lines: dict[str, deque[asyncpg.Record]] = {}
        self._ready: deque[str] = deque()
        self._positions: dict[str, list[int]] = {}

    @property
    def ready_count(self) -> int:
        """How many rows may be published now."""
        return len(self._ready)

    @property
    def positions(self) -> list[int]:
        """Of all rows in hand, under way or not."""
        return [position for line in self._positions.values() for position in line]

    def take(self, rows: Iterable[asyncpg.Record], *, last: bool) -> None:
        """Add rows, in the order of their positions."""
        self.exhausted = last
        for row in rows:
            key = row["key"]
            if key not in self._lines:
                self._lines[key] = deque()
                self._positions[key] = []
                self._ready.append(key)
            self._lines[key].append(row)
            self._positions[key].append(row["position"])

    def next_chunk(self, most: int) -> list[asyncpg.Record]:
        """The first rows of keys that have none under way."""
        keys = [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
        return [self._lines[key].popleft() for key in keys]

    def sent(self, keys: Iterable[str]) -> None:
        """These keys' rows under way are settled: the next of each may go."""
        for key in keys:
            if self._lines[key]:
                self._positions[key].pop(0)
                self._ready.append(key)
            else:
                del self._lines[key], self._positions[key]

    def failed(self, keys: Iterable[str]) -> None:
        """These keys' rows under way stay unsent, and so does all that is behind them."""
        for key in keys:
            self._lines[key].clear()
            self.exhausted = True


class Notifier:
    """Tells the leading relay, wherever it runs, that something was committed.

    One connection of its own, never inside a business transaction (a NOTIFY there would serialise
    the commits); calls that come while one is under way become one.
    """

    def __init__(self, *, service: str, database_url: str) -> None:
        self.wake = Wake()
        self._service = service
        self._url = database_url

    async def run(self) -> None:
        """Notify for ever. Ends by cancellation."""
        connection: asyncpg.Connection | None = None
        try:
            while True:
                await self.wake.wait(3600)
                try:
                    if connection is None or connection.is_closed():
                        connection = await connect(
                            self._url, application=f"{self._service} notifier"
                        )
                    await connection.execute(f"notify {CHANNEL}")
                except Exception as error:  # the relay's own slow poll is the safety net
                    log.debug("notify failed", service=self._service, error=describe(error))
                    await asyncio.sleep(0.5)
        finally:
            if connection is not None:
                with suppress(Exception):
                    await connection.close(timeout=2)
