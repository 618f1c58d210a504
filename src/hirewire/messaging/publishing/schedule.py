"""Scheduled events: recorded once at a future time, or repeatedly by a cron expression.

A scheduled event is a row until its time has come. Then the scheduler records it like any other
event, and deletes the row in the same transaction. It gets its number within its key at that time:
a scheduled event does not block its key.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from cronsim import CronSim
from pydantic import ValidationError

from hirewire.messaging.background import Wake, describe, run_steps
from hirewire.messaging.envelope import Context, explain
from hirewire.messaging.event import EVENTS, Event
from hirewire.messaging.ids import new_id
from hirewire.messaging.locks import lock_number
from hirewire.messaging.publishing.outbox import prepare, record_prepared
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

BATCH = 200
POLL_SECONDS = 1.0
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier times also mean now, since PostgreSQL has no number for the first of all."""

_SCHEDULE = """
insert into messaging.scheduled (id, due_at, type, version, body, correlation_id, causation_id,
    traceparent)
values ($1, $2, $3, $4, $5::json, $6, $7, $8)
"""
_CANCEL = "delete from messaging.scheduled where id = $1"
_TURN = "select pg_try_advisory_xact_lock($1)"
# Skipped if it is being cancelled, or if its class cannot read it at present.
_TAKE = """
delete from messaging.scheduled where id = any(array(
    select id from messaging.scheduled
    where due_at <= statement_timestamp() and (held_until is null
        or held_until <= statement_timestamp())
    order by due_at, id limit $1 for update skip locked))
returning id, due_at, type, version, body::text as body, correlation_id, causation_id, traceparent
"""
_HOLD = """
insert into messaging.scheduled (id, due_at, type, version, body, correlation_id, causation_id,
    traceparent, error, held_until)
values ($1, $2, $3, $4, $5::json, $6, $7, $8, $9, statement_timestamp() + interval '1 minute')
"""
_TICK = """
select cron, time_zone, next_at, next_at <= statement_timestamp() as due,
    statement_timestamp() as now
from messaging.recurring where name = $1 for update skip locked
"""
_BEGIN = """
insert into messaging.recurring (name, cron, time_zone, next_at) values ($1, $2, $3, $4)
on conflict (name) do nothing
"""
_NEXT = """
update messaging.recurring set cron = $2, time_zone = $3, next_at = $4,
    last_at = case when $5 then next_at else last_at end
where name = $1
"""


@dataclass(frozen=True, slots=True)
class Recurring:
    """An event that is recorded at the times of a cron expression, once for all replicas."""

    name: str
    """Identifies it in the database and must not change."""
    cron: str
    """Five fields, as crontab(5) has them; a sixth at the front counts seconds."""
    event: Callable[[datetime], Event]
    """Creates the event for a time."""
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        """Raises `CronSimError` for an invalid expression, `ZoneInfoNotFoundError` for a zone."""
        CronSim(self.cron, datetime.now(ZoneInfo(self.time_zone)))

    def after(self, moment: datetime) -> datetime:
        """Its first time after this one."""
        found: datetime = next(CronSim(self.cron, moment.astimezone(ZoneInfo(self.time_zone))))
        return found


async def schedule(tx: Tx, event: Event, *, at: datetime) -> UUID:
    """Record `event` at a future time, once `tx` has committed. A past time means now.

    Returns an id for `cancel`, which is not the event's. Raises what `record` raises, and
    `ValueError` for a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("at: a time with its zone")
    at = max(at, EARLIEST)
    prepared = prepare(tx, event)
    id, found = new_id(), prepared.context
    await tx.exec_driver_sql(
        _SCHEDULE,
        (
            id,
            at,
            event.name,
            event.schema_version,
            prepared.body,
            found.correlation_id,
            found.causation_id,
            found.traceparent,
        ),
    )
    return id


async def cancel(tx: Tx, id: UUID) -> bool:
    """Cancel a scheduled event. False if it has been recorded, or never existed."""
    return (await tx.exec_driver_sql(_CANCEL, (id,))).rowcount == 1


class Scheduler:
    """Records due events in the order of their times, in one replica at a time."""

    def __init__(
        self, *, service: str, transactions: Transactions, recurring: Sequence[Recurring] = ()
    ) -> None:
        self._service = service
        self._transactions = transactions
        self._recurring = tuple(recurring)
        self._lock = lock_number(f"scheduler {service}")
        self.wake = Wake()
        if len({one.name for one in recurring}) != len(recurring):
            raise ValueError(f"{service}: two recurring events have one name")

    async def run(self) -> None:
        """Record for ever. Ends by cancellation."""
        await run_steps("scheduler", self.step, self.wake, idle=POLL_SECONDS)

    async def step(self) -> bool:
        """Record due events, up to a batch. True if there may be more."""
        for one in self._recurring:
            async with self._transactions() as tx:
                await self._tick(tx, one)
        async with self._transactions() as tx:
            if not (await tx.exec_driver_sql(_TURN, (self._lock,))).scalar_one():
                return False
            rows = (await tx.exec_driver_sql(_TAKE, (BATCH,))).all()
            for row in sorted(rows, key=lambda row: (row.due_at, row.id)):
                await self._record(tx, row)
        return len(rows) == BATCH

    async def _record(self, tx: Tx, row: Any) -> None:
        try:
            event = EVENTS[row.type].read(row.body, row.version)
        except Exception as error:
            # Perhaps of a newer or older version that will run again: nothing is dropped.
            why = explain(error) if isinstance(error, ValidationError) else describe(error)
            log.error(
                "scheduled event held back", service=self._service, id=str(row.id), reason=why
            )
            await tx.exec_driver_sql(_HOLD, (*row, why))
            return
        context = Context(row.correlation_id, row.causation_id, row.traceparent)
        record_prepared(tx, prepare(tx, event, part_of=context))

    async def _tick(self, tx: Tx, one: Recurring) -> None:
        row = (await tx.exec_driver_sql(_TICK, (one.name,))).first()
        if row is None:  # new, or locked by another replica
            first = one.after(await _now(tx))
            await tx.exec_driver_sql(_BEGIN, (one.name, one.cron, one.time_zone, first))
            return
        changed = (row.cron, row.time_zone) != (one.cron, one.time_zone)
        if row.due and not changed:  # once, however many times have passed
            record_prepared(tx, prepare(tx, one.event(row.next_at)))
        if row.due or changed:
            values = (one.name, one.cron, one.time_zone, one.after(row.now), row.due)
            await tx.exec_driver_sql(_NEXT, values)


async def _now(tx: Tx) -> datetime:
    now: datetime = (await tx.exec_driver_sql("select statement_timestamp()")).scalar_one()
    return now
