"""What operators do with messages that failed: list, show, replay, discard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hirewire.messaging import jobs
from hirewire.messaging.inbox import UNREADABLE, clean, restored_delivery
from hirewire.messaging.outbox import Tx
from hirewire.messaging.retries import close_track


class NoSuchMessage(Exception):
    """There is no such message, or it is not in a state that allows this."""


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """A message that is retrying, waiting or dead."""

    event_id: UUID
    subscription: str
    state: str
    type: str
    source: str
    key: str
    sequence: int | None
    arrived_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    error: str | None
    history: Sequence[dict[str, Any]]
    body: bytes
    headers: dict[str, str]
    waiting_behind: int


_SELECT = """
select i.event_id, i.subscription, i.state, i.type, i.source, i.key, i.sequence, i.arrived_at,
    i.attempts, i.next_attempt_at, i.error, coalesce(i.history, '[]'::jsonb) as history, i.body,
    i.headers,
    (select count(*) from messaging.open_message w where w.state = 'waiting'
        and w.subscription = i.subscription and w.source = i.source and w.key = i.key
        and i.state in ('dead', 'retrying')) as waiting_behind
from messaging.open_message i
"""


async def open_messages(
    tx: Tx, *, states: Sequence[str] = ("dead",), type: str | None = None, limit: int = 100
) -> list[OpenMessage]:
    """Messages in these states, in the order of their arrival."""
    result = await tx.exec_driver_sql(
        _SELECT
        + "where i.state = any($1::text[]) and ($2::text is null or i.type = $2) "
        + "order by i.arrival limit $3",
        (list(states), type, limit),
    )
    return [_open_message(row) for row in result]


async def show(tx: Tx, event_id: UUID) -> list[OpenMessage]:
    """All open messages of one event, one a subscription that has not handled it."""
    result = await tx.exec_driver_sql(
        _SELECT
        + "where i.event_id = $1 and i.state in ('dead', 'retrying', 'waiting') order by i.arrival",
        (event_id,),
    )
    return [_open_message(row) for row in result]


async def counts(tx: Tx) -> dict[str, int]:
    """How many messages are in each state that is not final."""
    result = await tx.exec_driver_sql(
        "select state, count(*) as number from messaging.open_message "
        "where state in ('retrying', 'waiting', 'dead') group by state"
    )
    found = {row.state: row.number for row in result}
    return {state: found.get(state, 0) for state in ("retrying", "waiting", "dead")}


async def replay(
    tx: Tx,
    *,
    event_id: UUID | None = None,
    type: str | None = None,
    note: str = "",
    by: str = "",
) -> int:
    """Try dead messages again, with all attempts anew: one event's, one type's, or all.

    Returns how many. Those that wait behind one follow it, in their order, once it succeeds. A
    message that is not dead is left alone, so that asking twice does it once.
    """
    result = await tx.exec_driver_sql(
        "update messaging.open_message set state = 'retrying', attempts = 0, "
        "next_attempt_at = clock_timestamp(), note = $3, by = $4 "
        "where state = 'dead' and ($1::uuid is null or event_id = $1) "
        "and ($2::text is null or type = $2) returning event_id",
        (event_id, type, clean(note), clean(by)),
    )
    count = len(result.all())
    if count:
        asked = {"event": event_id, "type": type, "why": clean(note)}
        await jobs.note_done(tx, "retry", asked, by=clean(by), done=count)
    return count


async def discard(
    tx: Tx, event_id: UUID, *, why: str, by: str = "", subscription: str | None = None
) -> int:
    """Give dead or retrying messages of one event up for good; who waits behind them goes on.

    Returns how many; why and by whom is kept beside them. Raises `NoSuchMessage` when there is
    none.
    """
    result = await tx.exec_driver_sql(
        "update messaging.open_message set state = 'discarded', settled_at = clock_timestamp(), "
        "next_attempt_at = null, note = $3, by = $4 "
        "where event_id = $1 and state in ('dead', 'retrying') "
        "and ($2::text is null or subscription = $2) "
        "returning subscription, source, key",
        (event_id, subscription, clean(why), clean(by)),
    )
    rows = result.all()
    if not rows:
        raise NoSuchMessage(f"no dead or retrying message of event {event_id}")
    for row in rows:
        if row.subscription != UNREADABLE:
            await close_track(tx, (row.subscription, row.source, row.key), None)
    asked = {"event": event_id, "handler": subscription, "why": clean(why)}
    await jobs.note_done(tx, "discard", asked, by=clean(by), done=len(rows))
    return len(rows)


def _open_message(row: Any) -> OpenMessage:
    delivery = restored_delivery(bytes(row.body or b""), row.headers or {})
    headers = dict(delivery.headers)
    for name in ("routing_key", "message_id", "user_id"):
        if value := getattr(delivery, name):
            headers[name] = value
    return OpenMessage(
        event_id=UUID(str(row.event_id)),
        subscription=row.subscription,
        state=row.state,
        type=row.type,
        source=row.source,
        key=row.key,
        sequence=row.sequence,
        arrived_at=row.arrived_at,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at if row.state == "retrying" else None,
        error=row.error,
        history=row.history,
        body=delivery.body,
        headers=headers,
        waiting_behind=row.waiting_behind,
    )
