"""Unresolved messages as rows, with enough of a delivery to restore it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict
from uuid import UUID

from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import dump_headers
from hirewire.messaging.transaction import Tx

ERROR_LENGTH = 2000
HISTORY_LENGTH = 50
_ENTER_ONE = """
insert into messaging.inbox (event_id, subscription, origin) values ($1, $2, $3)
on conflict do nothing returning event_id
"""
_OPEN = """
insert into messaging.open_message (event_id, subscription, state, type, source, key, sequence,
    body, headers, attempts, next_attempt_at, error, history)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::json, $10,
    clock_timestamp() + $11::float8 * interval '1 second', $12, $13::jsonb)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """An unresolved message: dead, waiting, or to be retried in some `seconds`."""

    id: UUID
    subscription: str
    state: str
    type: str
    source: str
    key: str
    sequence: int | None
    delivery: Delivery
    attempts: int
    seconds: float | None
    error: str


async def enter_one(tx: Tx, id: UUID, subscription: str, origin: str | None) -> bool:
    """Enter one event for one subscription. False if it was entered before."""
    result = await tx.exec_driver_sql(_ENTER_ONE, (id, subscription, origin))
    return result.first() is not None


async def insert(tx: Tx, row: Row) -> None:
    """Store an entered message with its body and the start of its history."""
    await tx.exec_driver_sql(
        _OPEN,
        (
            row.id,
            row.subscription,
            row.state,
            row.type,
            row.source,
            row.key,
            row.sequence,
            row.delivery.body,
            stored_headers(row.delivery),
            row.attempts,
            row.seconds,
            clean(row.error)[:ERROR_LENGTH],
            json.dumps([history_entry(row.error, row.attempts)]),
        ),
    )


def state_of(delay: timedelta | None) -> tuple[str, float | None]:
    """The state of a message that has failed, and the seconds until its next attempt."""
    return ("dead", None) if delay is None else ("retrying", delay.total_seconds())


class HistoryEntry(TypedDict):
    """A failed attempt, or another entry in the history of an unresolved message."""

    at: str
    attempt: int
    error: str


def history_entry(error: str, attempt: int) -> HistoryEntry:
    """One line of an unresolved message's history."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "attempt": attempt,
        "error": clean(error)[:ERROR_LENGTH],
    }


def stored_headers(delivery: Delivery) -> str:
    """All properties beside the body, as JSON text, to restore the delivery from."""
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
    """Text that PostgreSQL accepts: without NUL characters and lone surrogates."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode()
