"""The publishing side's promise: an event is a row in the transaction that makes it true."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.messaging import tracing
from hirewire.messaging.envelope import Context, Received, caused_by
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id

Tx: TypeAlias = AsyncConnection
"""An open transaction, handed from the door to whatever changes rows. Only the door commits."""

context: ContextVar[Context | None] = ContextVar("hirewire_context", default=None)
"""What the current request or delivery is part of."""


@dataclass(slots=True)
class _Recorded:
    id: UUID
    event: Event
    context: Context


@dataclass(slots=True)
class _Open:
    owner: str
    events: list[_Recorded] = field(default_factory=list)
    wakes: bool = False


_open: WeakKeyDictionary[AsyncConnection, _Open] = WeakKeyDictionary()

# The counters are taken in key order, so that transactions with several keys cannot deadlock. A
# counter's lock is held until the commit, and a row's position is drawn under it: within a key,
# position, sequence and commit have one order.
_FLUSH = """
with recorded as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::text[], $6::text[],
            $7::text[])
        with ordinality as r(id, type, key, body, correlation_id, causation_id, traceparent, nth)
), counted as (
    insert into messaging.counter as c (key, last)
    select key, count(*) from recorded group by key order by key
    on conflict (key) do update set last = c.last + excluded.last
    returning key, last
), numbered as (
    select r.*, c.last - count(*) over (partition by r.key)
        + row_number() over (partition by r.key order by r.nth) as sequence
    from recorded r join counted c using (key)
), logged as (
    insert into messaging.log (id, position, type, key, sequence, correlation_id, causation_id,
        traceparent, body)
    select id, nextval('messaging.position'), type, key, sequence, correlation_id, causation_id,
        traceparent, body
    from (select * from numbered order by nth) n
    returning position, id, key
)
insert into messaging.outbox (position, id, key) select position, id, key from logged
"""
_FLUSH_ONE = """
with counted as (
    insert into messaging.counter as c (key, last) values ($3, 1)
    on conflict (key) do update set last = c.last + 1
    returning last
), logged as (
    insert into messaging.log (id, position, type, key, sequence, correlation_id, causation_id,
        traceparent, body)
    select $1, nextval('messaging.position'), $2, $3, last, $5, $6, $7, $4 from counted
    returning position
)
insert into messaging.outbox (position, id, key) select position, $1, $3 from logged
"""


def record(tx: Tx, event: Event, *, cause: Received[Event] | None = None) -> UUID:
    """Record `event` in the caller's transaction; it is published once that has committed.

    What a handler of one event records is caused by that event without more ado; a handler of a
    batch says which one of them is the `cause`. Returns the event's id. Raises `RuntimeError`
    when `tx` was not opened by `Transactions`, or the event belongs to another service.
    """
    opened = _open.get(tx)
    if opened is None:
        raise RuntimeError("record() needs a transaction opened by Transactions")
    if event.owner != opened.owner:
        raise RuntimeError(f"{event.name} belongs to {event.owner}, not to {opened.owner}")
    id = new_id()
    found = caused_by(cause) if cause is not None else context.get()
    found = found or Context(correlation_id=str(id))
    trace = found.traceparent or tracing.new_traceparent()
    if tracing.enabled():
        trace = tracing.created(event.name, str(id), trace)
    opened.events.append(_Recorded(id, event, replace(found, traceparent=trace)))
    return id


def owner_of(tx: Tx) -> str:
    """The service whose transaction this is."""
    return _open[tx].owner


def wake_after(tx: Tx) -> None:
    """Let the relay look at its work once `tx` has committed, also without a new event."""
    _open[tx].wakes = True


class Transactions:
    """Opens the transactions of one service: ``async with transactions() as tx``.

    On leaving, the events recorded are written just before the commit (their counters are locked
    as shortly as can be), and `committed` is called once they can be published.
    """

    def __init__(
        self, engine: AsyncEngine, owner: str, committed: Callable[[], None] = lambda: None
    ) -> None:
        self.engine = engine
        self.owner = owner
        self.committed = committed

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Tx]:
        """A transaction: committed at the end of the block, rolled back if it raises."""
        async with self.engine.connect() as tx:
            _open[tx] = opened = _Open(self.owner)
            try:
                async with tx.begin():
                    yield tx
                    await _flush(tx, opened.events)
            finally:
                _open.pop(tx, None)
        if opened.events or opened.wakes:
            self.committed()


async def _flush(tx: Tx, events: list[_Recorded]) -> None:
    if len(events) == 1:
        await tx.exec_driver_sql(_FLUSH_ONE, _row(events[0]))
    elif events:
        await tx.exec_driver_sql(
            _FLUSH, tuple(list(c) for c in zip(*map(_row, events), strict=True))
        )


def _row(recorded: _Recorded) -> tuple[UUID, str, str, str, str, str | None, str | None]:
    event, found = recorded.event, recorded.context
    return (
        recorded.id,
        event.name,
        event.key,
        event.body().decode(),
        found.correlation_id,
        found.causation_id,
        found.traceparent,
    )
