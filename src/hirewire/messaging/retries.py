"""Trying again: the messages that failed, one at a time, and those that wait behind them."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from hirewire.messaging import inbox, metrics, tracing
from hirewire.messaging.broker import Delivery
from hirewire.messaging.consumer import Consumer, is_cancelled
from hirewire.messaging.database import is_away
from hirewire.messaging.dispatch import dispatch, verdict
from hirewire.messaging.inbox import UNREADABLE, Unit, restored_delivery
from hirewire.messaging.loops import Wake, describe, run_steps
from hirewire.messaging.outbox import Transactions, Tx

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.5

# An attempt is spent before it starts, in a transaction of its own: a message that kills its
# process runs out of attempts too. The row's lock keeps other replicas away while it is handled;
# the 30 seconds only cover the moment between the two transactions.
_CLAIM = """
with due as (
    select event_id, subscription from messaging.open_message
    where state = 'retrying' and next_attempt_at <= clock_timestamp()
    order by next_attempt_at, arrival limit 1
    for update skip locked
)
update messaging.open_message i
set attempts = i.attempts + 1, next_attempt_at = clock_timestamp() + interval '30 seconds'
from due where i.event_id = due.event_id and i.subscription = due.subscription
returning i.event_id, i.subscription, i.attempts, i.body, i.headers, i.type, i.source, i.key
"""
_LOCK = """
select 1 from messaging.open_message
where event_id = $1 and subscription = $2 and state = 'retrying' and attempts = $3 for update
"""
_LOCK_TRACK = """
select coalesce(sequence, 0) from messaging.progress
where subscription = $1 and source = $2 and key = $3 for update
"""
_HANDLED = """
with settled as (
    delete from messaging.open_message where event_id = $1 and subscription = $2
    returning event_id, subscription
)
update messaging.inbox i set settled_at = clock_timestamp(), late = $3
from settled s where i.event_id = s.event_id and i.subscription = s.subscription
"""
_FAILED = """
update messaging.open_message set state = $3, attempts = $4, error = $5,
    next_attempt_at = clock_timestamp() + $6 * interval '1 second',
    history = (select jsonb_agg(h order by n) from (
        select h, n from jsonb_array_elements(coalesce(history, '[]') || $7::jsonb)
            with ordinality as e(h, n) order by n desc limit $8) kept)
where event_id = $1 and subscription = $2
"""
_CLOSE_TRACK = """
update messaging.progress set open = open - 1, sequence = greatest(sequence, $4)
where subscription = $1 and source = $2 and key = $3 returning open
"""
_PROMOTE = """
update messaging.open_message set state = 'retrying', next_attempt_at = clock_timestamp()
where (event_id, subscription) = (
    select event_id, subscription from messaging.open_message
    where state = 'waiting' and subscription = $1 and source = $2 and key = $3
    order by arrival limit 1)
"""


@dataclass(frozen=True, slots=True)
class _Claimed:
    event_id: UUID
    subscription: str
    attempts: int
    delivery: Delivery
    type: str


class Retries:
    """The duty that brings one service's open messages to an end."""

    def __init__(self, *, consumer: Consumer, transactions: Transactions, wake: Wake) -> None:
        self._consumer = consumer
        self._transactions = transactions
        self.wake = wake

    async def run(self) -> None:
        """Try again for ever. Ends by cancellation."""
        await run_steps("retries", self.step, self.wake, idle=IDLE_SECONDS)

    async def step(self) -> bool:
        """Make one attempt at one message. False when none is due."""
        async with self._transactions() as tx:
            row = (await tx.exec_driver_sql(_CLAIM)).first()
        if row is None:
            return False
        delivery = restored_delivery(bytes(row.body or b""), row.headers)
        claimed = _Claimed(
            UUID(str(row.event_id)), row.subscription, row.attempts, delivery, row.type
        )
        if claimed.subscription == UNREADABLE:
            await self._read_again(claimed)
            return True
        read = self._consumer.read_again(delivery)
        unit = next((u for u in read.units if u.subscription.name == claimed.subscription), None)
        if unit is None:
            why = (
                read.unreadable[0].reason
                if read.unreadable
                else "no handler has this name any more"
            )
            await self._fail(claimed, why, delay=None, spent=claimed.attempts)
            return True
        # The inbox's own id: a message that came without one must not get another now.
        unit = replace(unit, received=replace(unit.received, id=claimed.event_id))
        await self._attempt(claimed, unit)
        return True

    async def _attempt(self, claimed: _Claimed, unit: Unit) -> None:
        retry = unit.subscription.retry
        if claimed.attempts > retry.attempts:
            why = "the process ended while handling it"
            await self._fail(claimed, why, delay=None, spent=claimed.attempts - 1)
            return
        spans = tracing.processing([unit], self._consumer.topology.queue)
        try:
            async with self._transactions() as tx:
                if not await _locked(tx, claimed):
                    return
                reached = (await tx.exec_driver_sql(_LOCK_TRACK, unit.track)).scalar() or 0
                late = (unit.received.order or reached) < reached
                await dispatch(tx, [replace(unit, received=replace(unit.received, late=late))])
                await tx.exec_driver_sql(_HANDLED, (claimed.event_id, claimed.subscription, late))
                await close_track(tx, unit.track, unit.received.order)
        except (Exception, asyncio.CancelledError) as error:
            tracing.finish(spans, error)
            if is_away(error) or is_cancelled(error):
                raise
            delay, spent = verdict(error, retry, attempt=claimed.attempts)
            await self._fail(claimed, describe(error), delay=delay, spent=spent)
        else:
            tracing.finish(spans)
            metrics.handled.labels(self._consumer.service, claimed.type).inc()

    async def _read_again(self, claimed: _Claimed) -> None:
        """A replayed message that no handler could get: perhaps the code can read it by now."""
        read = self._consumer.read_again(claimed.delivery)
        if read.unreadable:
            reason = read.unreadable[0].reason
            await self._fail(claimed, reason, delay=None, spent=claimed.attempts)
            return
        for unit in read.units:
            received = replace(unit.received, id=claimed.event_id)
            await self._consumer.settle(replace(unit, received=received))
        async with self._transactions() as tx:
            await tx.exec_driver_sql(_HANDLED, (claimed.event_id, UNREADABLE, False))

    async def _fail(
        self, claimed: _Claimed, error: str, *, delay: timedelta | None, spent: int
    ) -> None:
        async with self._transactions() as tx:
            if not await _locked(tx, claimed):
                return
            await tx.exec_driver_sql(
                _FAILED,
                (
                    claimed.event_id,
                    claimed.subscription,
                    "dead" if delay is None else "retrying",
                    spent,
                    inbox.clean(error)[: inbox.ERROR_LENGTH],
                    0.0 if delay is None else delay.total_seconds(),
                    json.dumps([inbox.history_entry(error, claimed.attempts)]),
                    inbox.HISTORY_LENGTH,
                ),
            )
        fields: dict[str, Any] = {
            "service": self._consumer.service,
            "event_type": claimed.type,
            "event_id": str(claimed.event_id),
            "subscription": claimed.subscription,
            "attempt": claimed.attempts,
            "error": error,
        }
        metrics.failed.labels(self._consumer.service, claimed.type).inc()
        if delay is None:
            metrics.dead.labels(self._consumer.service, claimed.type).inc()
            log.error("dead letter", **fields)
        else:
            metrics.retried.labels(self._consumer.service, claimed.type).inc()
            log.warning("event is retried", in_seconds=round(delay.total_seconds(), 3), **fields)


async def close_track(tx: Tx, track: tuple[str, str, str], sequence: int | None) -> None:
    """Take one open message off a track, and let the next that waits have its turn.

    Locks the track's row, as the arrival of a follower does, so that none is left behind.
    """
    await tx.exec_driver_sql(_CLOSE_TRACK, (*track, sequence))
    await tx.exec_driver_sql(_PROMOTE, track)


async def _locked(tx: Tx, claimed: _Claimed) -> bool:
    result = await tx.exec_driver_sql(
        _LOCK, (claimed.event_id, claimed.subscription, claimed.attempts)
    )
    return result.first() is not None
