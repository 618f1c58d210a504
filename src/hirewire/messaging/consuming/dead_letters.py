"""Operations on dead letters: list, show, replay, edit, discard."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hirewire.messaging import requests
from hirewire.messaging.consuming import resolution
from hirewire.messaging.consuming.resolution import Resolved
from hirewire.messaging.consuming.unreadable import is_unreadable
from hirewire.messaging.consuming.unresolved import (
    ERROR_LENGTH,
    HISTORY_LENGTH,
    HistoryEntry,
    clean,
    history_entry,
    restored_delivery,
)
from hirewire.messaging.envelope import Malformed, decode
from hirewire.messaging.transaction import Tx


class NoSuchMessage(Exception):
    """The message does not exist, or its state does not allow this."""


class EditRefused(Exception):
    """The new body is not acceptable; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A body that was replaced."""

    subscription: str
    edited_at: datetime
    why: str
    by: str
    body_before: bytes
    body_after: bytes


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
    history: Sequence[HistoryEntry]
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
_OLDEST = """
select s.name as subscription, o.time, o.arrived_at, clock_timestamp() as now
from unnest($1::text[]) as s(name)
cross join lateral (
    select headers->>'h:time' as time, arrived_at from messaging.open_message m
    where m.subscription = s.name and m.state in ('retrying', 'waiting') and m.closing is null
    order by m.arrival limit 1) as o
"""
_REPLAY = """
with chosen as materialized (
    select event_id, subscription from messaging.open_message
    where state = 'dead' and ($1::uuid is null or event_id = $1)
        and ($2::text is null or type = $2) and ($3::text is null or subscription = $3)
    order by arrival for update
)
update messaging.open_message o set state = 'retrying', attempts = 0,
    next_attempt_at = clock_timestamp(), note = $4, by = $5
from chosen c where o.event_id = c.event_id and o.subscription = c.subscription
returning o.event_id
"""
_TO_DISCARD = """
select subscription, source, key from messaging.open_message
where event_id = $1 and state in ('dead', 'retrying')
    and ($2::text is null or subscription = $2)
order by subscription for update
"""
_DISCARD = """
update messaging.open_message set state = 'discarded', settled_at = clock_timestamp(),
    next_attempt_at = null, claimed_by = null, note = $3, by = $4
where event_id = $1 and subscription = any($2::text[])
"""
_DEAD = """
select key, body, headers, history from messaging.open_message
where event_id = $1 and subscription = $2 and state = 'dead' for update
"""
_EDIT = """
with before as (
    insert into messaging.edit (event_id, subscription, why, by, body_before, body_after)
    select event_id, subscription, $4, $5, body, $3 from messaging.open_message
    where event_id = $1 and subscription = $2
)
update messaging.open_message set body = $3, state = 'retrying', attempts = 0,
    next_attempt_at = clock_timestamp(), note = $4, by = $5, history = $6::jsonb
where event_id = $1 and subscription = $2
"""


async def open_messages(
    tx: Tx, *, states: Sequence[str] = ("dead",), type: str | None = None, limit: int = 100
) -> list[OpenMessage]:
    """Messages in these states, in the order of their arrival."""
    result = await tx.exec_driver_sql(
        _SELECT
        + "where i.state = any($1::text[]) and ($2::text is null or i.type = $2) "
        + "and i.closing is null order by i.arrival limit $3",
        (list(states), type, limit),
    )
    return [_open_message(row) for row in result]


async def show(tx: Tx, event_id: UUID) -> list[OpenMessage]:
    """All unresolved messages of one event, one for each subscription that has not handled it."""
    result = await tx.exec_driver_sql(
        _SELECT
        + "where i.event_id = $1 and i.state in ('dead', 'retrying', 'waiting') "
        + "and i.closing is null order by i.arrival",
        (event_id,),
    )
    return [_open_message(row) for row in result]


async def counts(tx: Tx) -> dict[str, int]:
    """The number of messages in each state that is not final."""
    result = await tx.exec_driver_sql(
        "select state, count(*) as number from messaging.open_message "
        "where state in ('retrying', 'waiting', 'dead') and closing is null group by state"
    )
    found = {row.state: row.number for row in result}
    return {state: found.get(state, 0) for state in ("retrying", "waiting", "dead")}


async def lag(tx: Tx, subscriptions: Sequence[str]) -> dict[str, float]:
    """Seconds since each subscription's oldest retrying or waiting message was recorded.

    0 if there is none. For a message without a recording time, its arrival counts.
    """
    result = await tx.exec_driver_sql(_OLDEST, (list(subscriptions),))
    found = dict.fromkeys(subscriptions, 0.0)
    for row in result:
        try:
            moment = datetime.fromisoformat(row.time or "")
        except ValueError:
            moment = row.arrived_at
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found[row.subscription] = max(0.0, (row.now - moment).total_seconds())
    return found


async def replay(
    tx: Tx,
    *,
    event_id: UUID | None = None,
    type: str | None = None,
    subscription: str | None = None,
    note: str = "",
    by: str = "",
) -> int:
    """Retry dead messages with all their attempts: one event's, one type's, or all.

    Returns how many. Messages behind one follow in order once it succeeds. Other messages are left
    alone, so that calling twice has no further effect.
    """
    result = await tx.exec_driver_sql(
        _REPLAY, (event_id, type, subscription, clean(note), clean(by))
    )
    count = len(result.all())
    if count:
        asked = {"event": event_id, "type": type, "why": clean(note)}
        if subscription is not None:
            asked["handler"] = subscription
        await requests.note_done(tx, "retry", asked, by=clean(by), done=count)
    return count


async def edit(
    tx: Tx, event_id: UUID, *, subscription: str, body: bytes, why: str, by: str = ""
) -> None:
    """Replace a dead message's body and retry it with all its attempts.

    The body must be valid for the event and keep its key, since the order within the key depends on
    it. Both bodies are stored with the reason and the user. Raises `NoSuchMessage` or
    `EditRefused`.
    """
    row = (await tx.exec_driver_sql(_DEAD, (event_id, subscription))).first()
    if row is None:
        raise NoSuchMessage(f"{subscription} has no dead message of event {event_id}")
    edited = replace(restored_delivery(bytes(row.body), row.headers), body=body)
    try:
        received = decode(edited)
    except Malformed as error:
        raise EditRefused(str(error)) from None
    if not is_unreadable(subscription) and received.key != row.key:
        raise EditRefused(f"the key must stay {row.key!r}: it would be {received.key!r}")
    entry = history_entry(f"edited by {by or '?'}: {why}"[:ERROR_LENGTH], 0)
    history = [*(row.history or []), entry][-HISTORY_LENGTH:]
    await tx.exec_driver_sql(
        _EDIT, (event_id, subscription, body, clean(why), clean(by), json.dumps(history))
    )
    asked = {"event": event_id, "handler": subscription, "why": clean(why)}
    await requests.note_done(tx, "edit", asked, by=clean(by), done=1)


async def edits(tx: Tx, event_id: UUID) -> list[Edit]:
    """The edits of an event's dead letters, oldest first."""
    result = await tx.exec_driver_sql(
        "select subscription, edited_at, why, by, body_before, body_after from messaging.edit "
        "where event_id = $1 order by id",
        (event_id,),
    )
    return [
        Edit(r.subscription, r.edited_at, r.why, r.by, bytes(r.body_before), bytes(r.body_after))
        for r in result
    ]


async def discard(
    tx: Tx, event_id: UUID, *, why: str, by: str = "", subscription: str | None = None
) -> int:
    """Discard dead or retrying messages of one event for good; the ones behind them continue.

    Returns how many; the reason and the user are stored. Raises `NoSuchMessage` if there is none.
    """
    rows = (await tx.exec_driver_sql(_TO_DISCARD, (event_id, subscription))).all()
    if not rows:
        raise NoSuchMessage(f"no dead or retrying message of event {event_id}")
    names = [row.subscription for row in rows]
    await tx.exec_driver_sql(_DISCARD, (event_id, names, clean(why), clean(by)))
    for row in rows:
        if not is_unreadable(row.subscription):
            place = (row.source, row.key)
            await resolution.release(tx, row.subscription, [Resolved(place, 1, None)])
    asked = {"event": event_id, "handler": subscription, "why": clean(why)}
    await requests.note_done(tx, "discard", asked, by=clean(by), done=len(rows))
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
