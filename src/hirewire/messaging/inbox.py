"""The hearing side's books: what was heard, how far each key is, and what is still open.

A *unit* is one event for one subscription. The statements here are all there is to know of the
inbox's tables on the hot path; `deadletters` has those of the operators.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import Received, dump_headers, type_of
from hirewire.messaging.event import Event
from hirewire.messaging.outbox import Tx
from hirewire.messaging.subscriptions import Subscription

UNREADABLE = "(unreadable)"
"""Stands for the subscription of a message that reached no handler."""
ERROR_LENGTH = 2000
HISTORY_LENGTH = 50


@dataclass(frozen=True, slots=True)
class Unit:
    """One event for one subscription."""

    delivery: Delivery
    received: Received[Event]
    subscription: Subscription

    @property
    def track(self) -> tuple[str, str, str]:
        """Subscription, source and key: within a track, effects keep their order."""
        return (self.subscription.name, self.received.source, self.received.key)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a track stood before this batch."""

    previous: int | None
    """The highest sequence that has taken effect."""
    open: int
    """Messages that are retrying, waiting or dead."""


_TAKE = """
insert into messaging.inbox (event_id, subscription, type, source, key, sequence)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
    as u(event_id, subscription, type, source, key, sequence)
order by event_id, subscription
on conflict do nothing
returning event_id, subscription
"""
_ADVANCE = """
insert into messaging.progress as p (subscription, source, key, sequence)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    as u(subscription, source, key, sequence)
order by subscription, source, key
on conflict (subscription, source, key) do update
set previous = p.sequence, sequence = greatest(p.sequence, excluded.sequence)
returning subscription, source, key, previous, open
"""
_PARK = """
update messaging.inbox i
set state = 'waiting', body = u.body, headers = u.headers, settled_at = null
from unnest($1::uuid[], $2::text[], $3::bytea[], $4::json[])
    as u(event_id, subscription, body, headers)
where i.event_id = u.event_id and i.subscription = u.subscription
"""
_HOLD_BACK = """
update messaging.progress p set open = p.open + u.more, sequence = u.sequence
from unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[])
    as u(subscription, source, key, more, sequence)
where (p.subscription, p.source, p.key) = (u.subscription, u.source, u.key)
"""
_MARK_LATE = """
update messaging.inbox set late = true
where (event_id, subscription) in (select * from unnest($1::uuid[], $2::text[]))
"""
_OPEN = """
insert into messaging.inbox (event_id, subscription, state, type, source, key, sequence, body,
    headers, attempts, next_attempt_at, error, history)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::json, $10,
    clock_timestamp() + $11 * interval '1 second', $12, $13::jsonb)
on conflict do nothing
returning event_id
"""
_OPEN_TRACK = """
insert into messaging.progress as p (subscription, source, key, open) values ($1, $2, $3, 1)
on conflict (subscription, source, key) do update set open = p.open + 1
"""


async def take(tx: Tx, units: Sequence[Unit]) -> set[tuple[UUID, str]]:
    """Enter the units as handled. Returns those that had not been entered before.

    A unit that another replica has entered and not yet committed makes this wait for it.
    """
    result = await tx.exec_driver_sql(
        _TAKE,
        (
            [u.received.id for u in units],
            [u.subscription.name for u in units],
            [u.received.event.name for u in units],
            [u.received.source for u in units],
            [u.received.key for u in units],
            [u.received.sequence for u in units],
        ),
    )
    return {(UUID(str(row.event_id)), row.subscription) for row in result}


async def advance(tx: Tx, units: Iterable[Unit]) -> dict[tuple[str, str, str], Standing]:
    """Lock the units' tracks, move them to the units' sequences, and say where they stood."""
    highest: dict[tuple[str, str, str], int | None] = {}
    for unit in units:
        before, sequence = highest.get(unit.track), unit.received.sequence
        both = [s for s in (before, sequence) if s is not None]
        highest[unit.track] = max(both) if both else None
    names, sources, keys = zip(*highest, strict=True)
    result = await tx.exec_driver_sql(
        _ADVANCE, (list(names), list(sources), list(keys), list(highest.values()))
    )
    return {
        (row.subscription, row.source, row.key): Standing(row.previous, row.open) for row in result
    }


async def park(
    tx: Tx, units: Sequence[Unit], standings: Mapping[tuple[str, str, str], Standing]
) -> None:
    """Keep units that were taken as `waiting`, behind the open messages of their tracks."""
    await tx.exec_driver_sql(
        _PARK,
        (
            [u.received.id for u in units],
            [u.subscription.name for u in units],
            [u.delivery.body for u in units],
            [stored_headers(u.delivery) for u in units],
        ),
    )
    more: dict[tuple[str, str, str], int] = {}
    for unit in units:
        more[unit.track] = more.get(unit.track, 0) + 1
    names, sources, keys = zip(*more, strict=True)
    before = [standings[track].previous for track in more]
    await tx.exec_driver_sql(
        _HOLD_BACK, (list(names), list(sources), list(keys), list(more.values()), before)
    )


async def mark_late(tx: Tx, units: Sequence[Unit]) -> None:
    """Note that these were overtaken by later events of their keys."""
    await tx.exec_driver_sql(
        _MARK_LATE,
        ([u.received.id for u in units], [u.subscription.name for u in units]),
    )


async def open_failed(
    tx: Tx, unit: Unit, error: str, *, delay: timedelta | None, attempts: int
) -> bool:
    """Enter a unit whose handling has failed: to be tried again after `delay`, or dead.

    False when another replica had entered the unit.
    """
    received = unit.received
    inserted = await tx.exec_driver_sql(
        _OPEN,
        (
            received.id,
            unit.subscription.name,
            "dead" if delay is None else "retrying",
            received.event.name,
            received.source,
            received.key,
            received.sequence,
            unit.delivery.body,
            stored_headers(unit.delivery),
            attempts,
            0.0 if delay is None else delay.total_seconds(),
            clean(error)[:ERROR_LENGTH],
            json.dumps([history_entry(error, attempts)]),
        ),
    )
    if inserted.first() is None:
        return False
    await tx.exec_driver_sql(_OPEN_TRACK, unit.track)
    return True


async def bury(tx: Tx, delivery: Delivery, id: UUID, reason: str) -> None:
    """Enter a delivery that no handler can get as dead, with its raw bytes. It blocks nothing."""
    await tx.exec_driver_sql(
        _OPEN,
        (
            id,
            UNREADABLE,
            "dead",
            clean(type_of(delivery))[:255],
            clean(delivery.headers.get("source", ""))[:255],
            "",
            None,
            delivery.body,
            stored_headers(delivery),
            0,
            0.0,
            clean(reason)[:ERROR_LENGTH],
            json.dumps([history_entry(reason, 0)]),
        ),
    )


async def count_start(tx: Tx, fingerprint: UUID) -> int:
    """Count one more start of a suspect message's handling; how many that makes."""
    result = await tx.exec_driver_sql(
        "insert into messaging.suspect as s (fingerprint, starts) values ($1, 1) "
        "on conflict (fingerprint) do update set starts = s.starts + 1 returning starts",
        (fingerprint,),
    )
    starts: int = result.scalar_one()
    return starts


async def clear_suspect(tx: Tx, fingerprint: UUID) -> None:
    """Forget a suspect: it was handled, or entered as failed or dead."""
    await tx.exec_driver_sql("delete from messaging.suspect where fingerprint = $1", (fingerprint,))


def history_entry(error: str, attempt: int) -> dict[str, Any]:
    """One line of an open message's history."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "attempt": attempt,
        "error": clean(error)[:ERROR_LENGTH],
    }


def stored_headers(delivery: Delivery) -> str:
    """All that came beside the body, as JSON text: enough to make the delivery again."""
    stored = {f"h:{name}": clean(value) for name, value in delivery.headers.items()}
    stored["routing_key"] = clean(delivery.routing_key)
    for name in ("message_id", "user_id"):
        if (value := getattr(delivery, name)) is not None:
            stored[name] = clean(value)
    return dump_headers(stored)


def restored_delivery(body: bytes, stored: str | Mapping[str, str]) -> Delivery:
    """The delivery that `stored_headers` was made from."""
    values = json.loads(stored) if isinstance(stored, str) else stored
    return Delivery(
        body=body,
        routing_key=values.get("routing_key", ""),
        headers={n[2:]: v for n, v in values.items() if n.startswith("h:")},
        message_id=values.get("message_id"),
        user_id=values.get("user_id"),
    )


def clean(text: str) -> str:
    """Text that PostgreSQL takes: without NUL characters and lone surrogates."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode()
