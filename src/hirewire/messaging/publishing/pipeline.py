"""One step of an active relay: it reads, publishes and marks rows concurrently.

The database does one thing at a time (read, mark, or check the lock), and the broker handles
several chunks. A key's next event is published once the previous one is confirmed; marking follows
later. So a crash leaves confirmed rows unmarked, and these are published again: consumers recognise
their ids.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import asyncpg
import structlog

from hirewire.messaging import metrics, tracing
from hirewire.messaging.background import Wake
from hirewire.messaging.broker import (
    EXCHANGE,
    Broker,
    BrokerMisconfigured,
    BrokerUnavailable,
    Message,
    Outcome,
)
from hirewire.messaging.envelope import message_of
from hirewire.messaging.locks import BEAT_SECONDS
from hirewire.messaging.publishing.key_queues import KeyQueues

log = structlog.get_logger(__name__)

BATCH = 2000
CHUNK = 500
CHUNK_BYTES = 2 * 1024 * 1024
CHUNKS_UNDER_WAY = 4
STEP_SECONDS = 1.0
"""How long a step continues to read."""
DRAIN_SECONDS = 0.25
"""How long it then continues to publish what it has read."""
LEAST_PAUSE_SECONDS = 0.01
MOST_PAUSE_SECONDS = 0.25
"""Seconds after a reading that found all rows until the next one in the same step."""
MARK_SECONDS = 0.02
"""How long confirmed rows wait for others, to be marked together."""

# One point in time applies to the whole statement: a row whose last attempt failed blocks the later
# rows of its key until it is read itself, and nothing else. Rows in memory are left out by their
# numbers, since a lower number may be committed at any time. (`not in` uses a hash table; `<> all`
# of a parameter would compare one by one.)
_UNSENT = """
select o.position, o.size, o.found, l.*,
    l.type in (select type from messaging.listener where until is null) as listened
from (
    select position, id, size, count(*) over () as found,
        sum(size) over (order by position) - size as before
    from (
        select position, id, size from messaging.outbox u
        where (next_attempt_at is null or next_attempt_at <= statement_timestamp())
          and position not in (select unnest($2::bigint[]))
          and key not in (select unnest($3::text[]))
          and not exists (
            select from messaging.outbox b
            where b.key = u.key and b.next_attempt_at > statement_timestamp()
              and b.position < u.position)
        order by position limit $1) u) o
cross join lateral (
    select id, type, key, epoch, sequence, correlation_id, causation_id, traceparent, recorded_at,
        version, body
    from messaging.log where id = o.id offset 0) l
where o.before < $4
order by o.position
"""
# The commit need not be flushed: rows that a crash restores are published again and recognised.
_SENT = """
delete from messaging.outbox where position = any($1::bigint[])
    and (select set_config('synchronous_commit', 'off', true)) = 'off'
"""
_FAILED = """
update messaging.outbox o set attempts = attempts + 1, error = f.error,
    next_attempt_at = statement_timestamp() + least(power(2, least(attempts, 10)) * 0.25, 30)
        * interval '1 second'
from unnest($1::bigint[], $2::text[]) as f(position, error)
where o.position = f.position
"""
_CONSUMED_TYPES = "select distinct type from messaging.listener where until is null"
UNROUTABLE = "returned: no queue is bound, though it has subscribers"
REFUSED = "refused by the broker"


_Answer: TypeAlias = tuple[Sequence[Message], Sequence[Outcome]]


class Pipeline:
    """Publishes unsent rows for about a second."""

    def __init__(
        self,
        *,
        service: str,
        connection: asyncpg.Connection,
        broker: Broker,
        wake: Wake,
        check: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """`check` queries the connection, and raises if the lock is lost."""
        self._service = service
        self._connection = connection
        self._broker = broker
        self._wake = wake
        self._check = check
        self._queues = KeyQueues(in_a_row=broker.keeps_order_within_batch)
        self._under_way: dict[asyncio.Task[_Answer], Sequence[asyncpg.Record]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._pause = LEAST_PAUSE_SECONDS
        self._confirmed: list[asyncpg.Record] = []
        self._failed: list[tuple[asyncpg.Record, str]] = []
        self._returned: list[asyncpg.Record] = []
        self._confirmed_at = 0.0
        self._spoke_at = time.monotonic()
        self.read_at = 0.0
        """When the outbox was last read."""
        self.sent = 0
        """The number of events published and marked."""

    async def run(self) -> bool:
        """Publish. True if there may be more."""
        until = time.monotonic() + STEP_SECONDS
        try:
            while True:
                now = time.monotonic()
                if now < until + DRAIN_SECONDS:
                    self._dispatch()
                self._ask_database(now, reads=now < until)
                waiting: set[asyncio.Task[Any]] = {*self._under_way}
                if self._asking is not None:
                    waiting.add(self._asking)
                if not waiting:
                    return self._queues.has_more
                await asyncio.wait(
                    waiting,
                    timeout=MARK_SECONDS if self._confirmed or now < until else BEAT_SECONDS / 2,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if self._asking is not None and self._asking.done():
                    asked, self._asking = self._asking, None
                    asked.result()
                for task in [task for task in self._under_way if task.done()]:
                    self._collect(task)
        except (BrokerUnavailable, BrokerMisconfigured):
            await self._mark_the_rest()
            raise
        finally:
            await self._stop()

    def _dispatch(self) -> None:
        """Pass to the broker all that is allowed; nothing once the lock's connection is lost."""
        if self._connection.is_closed():
            raise asyncpg.ConnectionDoesNotExistError("the relay's database connection was lost")
        while self._queues.ready_keys and len(self._under_way) < CHUNKS_UNDER_WAY:
            rows = self._queues.next_chunk(CHUNK, CHUNK_BYTES)
            self._under_way[asyncio.create_task(self._send(rows))] = rows

    async def _send(self, rows: Sequence[asyncpg.Record]) -> _Answer:
        messages = [message_of(row, self._service) for row in rows]
        for message, row in zip(messages, rows, strict=True):
            message.mandatory = row["listened"]
        with tracing.sending(EXCHANGE, [row["traceparent"] for row in rows]):
            return messages, await self._broker.publish(messages)

    def _collect(self, task: asyncio.Task[_Answer]) -> None:
        """Process the outcomes of a chunk."""
        rows = self._under_way.pop(task)
        try:
            messages, outcomes = task.result()
        except (BrokerUnavailable, BrokerMisconfigured):
            metrics.publish_failed.labels(self._service).inc(len(rows))
            raise
        confirmed, held_back = [], []
        for row, message, outcome in zip(rows, messages, outcomes, strict=True):
            if outcome is Outcome.CONFIRMED:
                confirmed.append(row)
            elif outcome is Outcome.HELD_BACK:
                held_back.append(row)
            elif outcome is Outcome.UNROUTABLE:
                self._returned.append(row)
            else:
                self._failed.append((row, message.refusal or REFUSED))
                self._queues.stuck(row["key"])
        if not self._confirmed:
            self._confirmed_at = time.monotonic()
        self._confirmed += confirmed
        self._queues.published(confirmed)
        self._queues.given_back(held_back)

    def _ask_database(self, now: float, *, reads: bool) -> None:
        """Start the next database operation, unless one is running."""
        if self._asking is not None:
            return
        grouped = len(self._confirmed) >= CHUNK or now >= self._confirmed_at + MARK_SECONDS
        if self._failed or self._returned or (self._confirmed and (grouped or not self._under_way)):
            self._asking = asyncio.create_task(self._mark())
        elif reads and self._may_read(now):
            self._asking = asyncio.create_task(self._read())
        elif self._under_way and now >= self._spoke_at + BEAT_SECONDS:
            self._spoke_at = now
            self._asking = asyncio.create_task(self._check())

    def _may_read(self, now: float) -> bool:
        """Whether to read now: known rows at once, others after a wake-up or a pause."""
        if self._queues.is_full or self._queues.ready_keys >= CHUNK:
            return False
        if not self._queues.exhausted:
            return True
        since = now - self.read_at
        return since >= self._pause and (since >= MOST_PAUSE_SECONDS or self._wake.take())

    async def _read(self) -> None:
        started = time.monotonic()
        queues = self._queues
        rows = await self._connection.fetch(
            _UNSENT, BATCH, queues.positions, queues.left_out, queues.room
        )
        found = rows[0]["found"] if rows else 0
        queues.take(rows, last=found < BATCH and found == len(rows))
        self._spoke_at = self.read_at = time.monotonic()
        self._pause = max(LEAST_PAUSE_SECONDS, 2 * (self.read_at - started))

    async def _mark(self) -> None:
        """Store which rows are sent, and which are not and why."""
        confirmed, self._confirmed = self._confirmed, []
        failed, self._failed = self._failed, []
        returned, self._returned = self._returned, []
        if returned:
            subscribed = {row["type"] for row in await self._connection.fetch(_CONSUMED_TYPES)}
            for row in returned:
                if row["type"] in subscribed:
                    failed.append((row, UNROUTABLE))
                    self._queues.stuck(row["key"])
                else:
                    confirmed.append(row)
                    self._queues.published([row])
        if confirmed:
            await self._connection.execute(_SENT, [row["position"] for row in confirmed])
            metrics.published.labels(self._service).inc(len(confirmed))
            self._queues.marked(confirmed)
            self.sent += len(confirmed)
        if failed:
            await self._hold(failed)
        self._spoke_at = time.monotonic()

    async def _hold(self, failed: Sequence[tuple[asyncpg.Record, str]]) -> None:
        await self._connection.execute(
            _FAILED, [row["position"] for row, _ in failed], [reason for _, reason in failed]
        )
        self._queues.marked(row for row, _ in failed)
        metrics.publish_failed.labels(self._service).inc(len(failed))
        for reason in sorted({reason for _, reason in failed}):
            rows = [row for row, why in failed if why == reason]
            log.error(
                "events stay unsent",
                service=self._service,
                events=len(rows),
                types=sorted({row["type"] for row in rows}),
                reason=reason,
            )

    async def _mark_the_rest(self) -> None:
        """The broker is lost: what it has confirmed need not be published again."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if self._asking is not None:
                asked, self._asking = self._asking, None
                await asked
            await self._mark()

    async def _stop(self) -> None:
        left: list[asyncio.Task[Any]] = [*self._under_way]
        if self._asking is not None:
            left.append(self._asking)
        for task in left:
            task.cancel()
        if left:
            await asyncio.gather(*left, return_exceptions=True)
