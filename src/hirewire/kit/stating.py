"""Publishes the current state once for each new subscriber: the log has the last days' events only.

A service lists its states: an event class that says what others keep of a row, and the rows. Once a
service subscribes to such an event, the owner records it for each row, a few at a time. The rows
are locked meanwhile, so of one key this event and those of changes are in the order of their
commits. All subscribers get it again: it says no more than they know. A last event says that this
was all.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import structlog
from sqlalchemy import Column, Row, Select

from hirewire.kit.clock import now
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

BATCH = 200
MOST_UNSENT = 1000
"""While more of the service's events are unsent, it waits: they are news, this is not."""
EVERY_SECONDS = 10.0
WAIT_SECONDS = 0.05

_MEET = """
insert into kit.stating (type, subscriber, since)
select type, service, since::text from messaging.listener
where type = any($1::text[]) and until is null on conflict do nothing
"""
_OPEN = """
select type, subscriber, since, after from kit.stating
where done_at is null and type = any($1::text[]) order by type, subscriber limit 1
for update skip locked
"""
_NOTE = """
update kit.stating set after = $4, done_at = $5 where type = $1 and subscriber = $2 and since = $3
"""
_LEFT = """
select bool_or(done_at is null) as is_open, array_agg(distinct type order by type) as types
from kit.stating where subscriber = $1 and type = any($2::text[])
"""
_IS_BUSY = """
select count(*) >= $1::bigint from (select from messaging.outbox limit $1::bigint) unsent
"""


@dataclass(frozen=True, slots=True)
class States:
    """What is published of the rows of one table."""

    event: type[Event]
    rows: Select[Any]
    """The rows; without an order."""
    id: Column[Any]
    """The column that orders them."""
    made: Callable[[Row[Any]], Event]


End: TypeAlias = Callable[[str, list[str]], Event]
"""Makes the event that all states were published for a subscriber, by its name and their types."""


def stating(states: Sequence[States], end: End) -> PeriodicTask:
    """The background task of a service with these states."""
    work = partial(step, states, end)
    return PeriodicTask("state for subscribers", work, every=EVERY_SECONDS)


async def step(states: Sequence[States], end: End, transactions: Transactions) -> bool:
    """Record the state of some rows. True if there may be more."""
    names = [one.event.name for one in states]
    async with transactions() as tx:
        if (await tx.exec_driver_sql(_IS_BUSY, (MOST_UNSENT,))).scalar_one():
            is_busy = True
        else:
            is_busy = False
            await tx.exec_driver_sql(_MEET, (names,))
            task = (await tx.exec_driver_sql(_OPEN, (names,))).first()
            if task is None:
                return False
            await _state(tx, next(one for one in states if one.event.name == task.type), task)
            left = (await tx.exec_driver_sql(_LEFT, (task.subscriber, names))).one()
            if not left.is_open:
                record(tx, end(task.subscriber, left.types))
    if is_busy:
        await asyncio.sleep(WAIT_SECONDS)
    return True


async def _state(tx: Tx, states: States, task: Row[Any]) -> None:
    # A transaction that holds several of these rows waits for this one, which gives way.
    await tx.exec_driver_sql("set local lock_timeout = '500ms'")
    chosen = states.rows.order_by(states.id).limit(BATCH)
    if task.after is not None:
        chosen = chosen.where(states.id > task.after)
    rows = (await tx.execute(chosen.with_for_update(read=True))).all()
    for row in rows:
        record(tx, states.made(row))
    after = rows[-1]._mapping[states.id] if rows else task.after
    done_at = now() if len(rows) < BATCH else None
    await tx.exec_driver_sql(_NOTE, (task.type, task.subscriber, task.since, after, done_at))
    if done_at is not None:
        log.info("state published", type=task.type, subscriber=task.subscriber)
