"""The relay: publishes what is recorded, in order per key, and marks it sent once confirmed."""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress

import asyncpg
import structlog

from hirewire.messaging import metrics
from hirewire.messaging.broker import Broker, BrokerUnavailable, Message, Outcome
from hirewire.messaging.database import connect
from hirewire.messaging.loops import Wake, describe, run_steps

log = structlog.get_logger(__name__)

CHANNEL = "hirewire_outbox"
BATCH = 2000
STANDBY_SECONDS = 1.0

# A row whose last attempt failed holds back the later rows of its key, and nothing else.
_UNSENT = """
select position, id, type, key, body, headers, attempts
from messaging.outbox o
where sent_at is null
  and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
  and not exists (
    select from messaging.outbox b
    where b.key = o.key and b.sent_at is null and b.next_attempt_at > clock_timestamp()
      and b.position < o.position)
order by position limit $1
"""
_SENT = """
update messaging.outbox set sent_at = clock_timestamp(), next_attempt_at = null, error = null
where position = any($1::bigint[]) and sent_at is null
"""
_FAILED = """
update messaging.outbox set attempts = attempts + 1, error = $2,
    next_attempt_at = clock_timestamp() + least(power(2, least(attempts, 10)) * 0.25, 30)
        * interval '1 second'
where position = any($1::bigint[]) and sent_at is null
"""
_LISTENED = "select distinct type from messaging.listener"
_BACKLOG = """
select count(*), coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0)::float8
from messaging.outbox where sent_at is null
"""


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

    @property
    def leads(self) -> bool:
        """Whether this replica is the one that publishes."""
        return self._leads

    async def step(self) -> bool:
        """Publish one batch. True when at least one event went, so that there may be more."""
        connection = await self._lead()
        if connection is None:
            return False
        rows = await connection.fetch(_UNSENT, BATCH)
        if not rows:
            metrics.outbox(self.service, 0, 0.0)
            return False
        held: set[str] = set()
        sent = 0
        for wave in _waves(rows):
            free = [row for row in wave if row["key"] not in held]
            sent += await self._publish(connection, free, held)
        if len(rows) == BATCH:
            backlog = await connection.fetchrow(_BACKLOG)
            assert backlog is not None
            metrics.outbox(self.service, backlog[0], backlog[1])
        return sent > 0

    async def _publish(
        self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], held: set[str]
    ) -> int:
        if not rows:
            return 0
        try:
            outcomes = await self._broker.publish([_message(row) for row in rows])
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
        await connection.execute(_SENT, [r["position"] for r in sent])
        metrics.published.labels(self.service).inc(len(sent))
        await self._hold(connection, lost, "returned: no queue is bound, though it has listeners")
        await self._hold(connection, refused, "refused by the broker")
        held.update(r["key"] for r in (*lost, *refused))
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

    async def _lead(self) -> asyncpg.Connection | None:
        if self._connection is None or self._connection.is_closed():
            self._leads = False
            self._connection = await connect(self._url, application=f"{self.service} relay")
            await self._connection.add_listener(CHANNEL, lambda *_: self.wake())
        if not self._leads:
            self._leads = await self._connection.fetchval(
                "select pg_try_advisory_lock($1)", lock_number(f"relay {self.service}")
            )
            if self._leads:
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


def lock_number(name: str) -> int:
    """A number for PostgreSQL's advisory locks, from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def _waves(rows: Sequence[asyncpg.Record]) -> Iterator[list[asyncpg.Record]]:
    """Rows in the fewest groups that have each key at most once, order kept within a key."""
    waves: list[list[asyncpg.Record]] = []
    depth: dict[str, int] = {}
    for row in rows:
        nth = depth.get(row["key"], 0)
        depth[row["key"]] = nth + 1
        if nth == len(waves):
            waves.append([])
        waves[nth].append(row)
    yield from waves


def _message(row: asyncpg.Record) -> Message:
    headers = json.loads(row["headers"])
    return Message(
        id=str(row["id"]),
        type=row["type"],
        key=row["key"],
        body=row["body"].encode(),
        headers=headers,
        correlation_id=headers.get("correlationid"),
    )
