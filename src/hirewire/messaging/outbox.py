"""The publishing side's promise: an event is a row in the transaction that makes it true."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.messaging.envelope import Context, dump_headers, headers_of
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
    time: datetime
    context: Context


@dataclass(slots=True)
class _Open:
    owner: str
    events: list[_Recorded] = field(default_factory=list)


_open: WeakKeyDictionary[AsyncConnection, _Open] = WeakKeyDictionary()

# The counters are taken in key order, so that transactions with several keys cannot deadlock. A
# counter's lock is held until the commit, and a row's position is drawn under it: within a key,
# position, sequence and commit have one order.
_FLUSH = """
with recorded as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::jsonb[])
        with ordinality as r(id, type, key, body, headers, nth)
), counted as (
    insert into messaging.counter as c (key, last)
    select key, count(*) from recorded group by key order by key
    on conflict (key) do update set last = c.last + excluded.last
    returning key, last
), numbered as (
    select r.*, c.last - count(*) over (partition by r.key)
        + row_number() over (partition by r.key order by r.nth) as sequence
    from recorded r join counted c using (key)
)
insert into messaging.outbox (id, type, key, sequence, body, headers)
select id, type, key, sequence, body,
    (headers || jsonb_build_object('sequence', sequence::text))::json
from numbered order by nth
"""


def record(tx: Tx, event: Event) -> UUID:
    """Record `event` in the caller's transaction; it is published once that has committed.

    Returns the event's id. Raises `RuntimeError` when `tx` was not opened by `Transactions`, or
    the event belongs to another service.
    """
    opened = _open.get(tx)
    if opened is None:
        raise RuntimeError("record() needs a transaction opened by Transactions")
    if event.owner != opened.owner:
        raise RuntimeError(f"{event.name} belongs to {event.owner}, not to {opened.owner}")
    id = new_id()
    opened.events.append(
        _Recorded(id, event, datetime.now(UTC), context.get() or Context(correlation_id=str(id)))
    )
    return id


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
        if opened.events:
            self.committed()


async def _flush(tx: Tx, events: list[_Recorded]) -> None:
    if not events:
        return
    headers = [
        headers_of(
            type(e.event), id=e.id, key=e.event.key, sequence=0, time=e.time, context=e.context
        )
        for e in events
    ]
    await tx.exec_driver_sql(
        _FLUSH,
        (
            [e.id for e in events],
            [e.event.name for e in events],
            [e.event.key for e in events],
            [e.event.body().decode() for e in events],
            [dump_headers(h) for h in headers],
        ),
    )
