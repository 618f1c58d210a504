"""Barriers: markers after all earlier events in each queue, for the audit.

The owner's relay publishes a barrier to the queue of each subscriber. The owner stores the snapshot
of its log that precedes the barrier; the subscriber records the barrier once it has entered all
messages before it. From then on, an event that is in the snapshot and not in the subscriber's inbox
is missing, however long anything takes and while events continue to flow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from hirewire.messaging.broker import Delivery, Message
from hirewire.messaging.control import BARRIER
from hirewire.messaging.envelope import Malformed, source_of
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

_ASK = "insert into messaging.fence (id) values ($1)"
_OPEN = "select id, snapshot, reached from messaging.fence where published_at is null order by id"
_TAKE_SNAPSHOT = """
update messaging.fence set snapshot = pg_current_snapshot(),
    epoch = (select coalesce(max(epoch), 0) from messaging.lineage)
where id = $1 and snapshot is null
"""
# A failed event blocks the rest of its key: these are unsent for a while, others are not.
_WAITS = """
select exists (
    select from messaging.outbox o, messaging.fence f
    where f.id = $1 and pg_visible_in_snapshot(o.xact, f.snapshot)
      and not exists (select from messaging.outbox b where b.key = o.key
        and b.next_attempt_at is not null and b.position <= o.position))
"""
# Added up over all publications of one barrier: for the first queue that it reached, events sent
# before it reached the last one are not before it.
_NOTE_UNSENT = """
insert into messaging.fence_unsent (fence_id, event_id)
select f.id, o.id from messaging.outbox o, messaging.fence f
where f.id = $1 and pg_visible_in_snapshot(o.xact, f.snapshot)
on conflict do nothing
"""
_SERVICES = "select distinct service from messaging.listener where until is null order by 1"
_IN_ALL = "update messaging.fence set published_at = clock_timestamp() where id = $1"
_REACHED = """
insert into messaging.fence_heard (fence_id, queue) select unnest($1::uuid[]), $2
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Barrier:
    """A barrier as its owner stores it."""

    id: UUID
    reached: Sequence[str]
    """The services whose queues it has reached."""
    published_at: datetime | None
    """When it had reached all of them."""
    unsent: int
    """How many events the broker had not accepted: they are not before the barrier."""


def is_barrier(delivery: Delivery) -> bool:
    """Whether this is a barrier. Raises `Malformed` for one without an id."""
    if delivery.headers.get("type") != BARRIER:
        return False
    _id_of(delivery)
    return True


async def ask(tx: Tx) -> UUID:
    """Request a barrier after all events committed by the time it is published."""
    id = new_id()
    await tx.exec_driver_sql(_ASK, (id,))
    return id


async def find(tx: Tx, id: UUID) -> Barrier | None:
    """The progress of a barrier."""
    result = await tx.exec_driver_sql(
        "select reached, published_at, (select count(*) from messaging.fence_unsent "
        "where fence_id = id) as unsent from messaging.fence where id = $1",
        (id,),
    )
    row = result.first()
    if row is None:
        return None
    return Barrier(id, row.reached, row.published_at, row.unsent)


async def note_passed(tx: Tx, deliveries: Sequence[Delivery], queue: str) -> None:
    """Record that these barriers have passed this queue."""
    await tx.exec_driver_sql(_REACHED, ([_id_of(d) for d in deliveries], queue))


async def passed_queues(tx: Tx, id: UUID) -> list[str]:
    """The queues that a barrier has passed."""
    result = await tx.exec_driver_sql(
        "select queue from messaging.fence_heard where fence_id = $1 order by queue", (id,)
    )
    return [row.queue for row in result]


async def due(connection: asyncpg.Connection, service: str) -> list[tuple[UUID, list[Message]]]:
    """Barriers that the relay can publish now, with nothing unconfirmed, and to whom.

    A barrier waits until all events of its snapshot are sent, except those that keep failing.
    """
    found = []
    for row in await connection.fetch(_OPEN):
        if row["snapshot"] is None:
            await connection.execute(_TAKE_SNAPSHOT, row["id"])
        if await connection.fetchval(_WAITS, row["id"]):
            continue
        services = [one["service"] for one in await connection.fetch(_SERVICES)]
        messages = [message(row["id"], service, to) for to in services if to not in row["reached"]]
        if not messages:
            await connection.execute(_IN_ALL, row["id"])
            continue
        await connection.execute(_NOTE_UNSENT, row["id"])
        found.append((row["id"], messages))
    return found


async def sent(connection: asyncpg.Connection, id: UUID, reached: Sequence[str]) -> None:
    """Record that the barrier has reached the queues of these services."""
    await connection.execute(
        "update messaging.fence f set reached = f.reached || $2::text[], "
        "published_at = case when not exists (select from messaging.listener l "
        "where l.until is null and l.service <> all(f.reached || $2::text[])) "
        "then clock_timestamp() end where id = $1",
        id,
        list(reached),
    )


def message(id: UUID, service: str, to: str) -> Message:
    """The barrier as a message to one service."""
    headers = {
        "specversion": "1.0",
        "id": str(id),
        "type": BARRIER,
        "source": source_of(service),
    }
    return Message(str(id), BARRIER, str(id), b"{}", headers, to=to)


def _id_of(delivery: Delivery) -> UUID:
    text: Any = delivery.headers.get("id", "")
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(f"a barrier without an id: {text[:50]!r}") from None
