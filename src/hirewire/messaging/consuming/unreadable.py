"""Deliveries that no handler can get: dead letters, or kept for a newer version of the program."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming.unresolved import (
    Row,
    clean,
    enter_one,
    insert,
    restored_delivery,
    state_of,
)
from hirewire.messaging.envelope import type_of
from hirewire.messaging.subscriptions import UNREADABLE
from hirewire.messaging.transaction import Tx

HELD_FOR = timedelta(days=1)
"""How long an unknown message is kept for a newer version."""

_HELD = """
select event_id, arrival, body, headers from messaging.open_message
where subscription = $1 and state = 'retrying' and type = any($2::text[]) and arrival > $3
    and claimed_by is null
order by arrival limit $4
"""


def is_unreadable(subscription: str) -> bool:
    """Whether it is the placeholder handler for unreadable messages."""
    return subscription.partition("@")[0] == UNREADABLE


async def dead_letter(
    tx: Tx, delivery: Delivery, id: UUID, reason: str, *, subscription: str = UNREADABLE
) -> None:
    """Enter an unreadable delivery as dead, with its raw bytes. It blocks nothing."""
    await _open_unreadable(tx, delivery, id, reason, subscription, delay=None)


async def hold(
    tx: Tx, delivery: Delivery, id: UUID, reason: str, *, subscription: str = UNREADABLE
) -> None:
    """Keep a delivery for a newer version of the program; after a day it is dead."""
    await _open_unreadable(tx, delivery, id, reason, subscription, delay=HELD_FOR)


async def _open_unreadable(
    tx: Tx,
    delivery: Delivery,
    id: UUID,
    reason: str,
    subscription: str,
    *,
    delay: timedelta | None,
) -> None:
    if not await enter_one(tx, id, subscription, None):
        return
    state, seconds = state_of(delay)
    row = Row(
        id=id,
        subscription=subscription,
        state=state,
        type=clean(type_of(delivery))[:255],
        source=clean(delivery.headers.get("source", ""))[:255],
        key="",
        sequence=None,
        delivery=delivery,
        attempts=0,
        seconds=seconds,
        error=reason,
    )
    await insert(tx, row)


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that was kept for a newer version."""

    id: UUID
    arrival: int
    delivery: Delivery


async def held(
    tx: Tx,
    types: Sequence[str],
    *,
    after: int,
    limit: int = 100,
    subscription: str = UNREADABLE,
) -> list[Held]:
    """Kept deliveries of these types, in the order of their arrival, from `after` on."""
    rows = await tx.exec_driver_sql(_HELD, (subscription, list(types), after, limit))
    return [
        Held(UUID(str(row.event_id)), row.arrival, restored_delivery(bytes(row.body), row.headers))
        for row in rows
    ]


async def forget_held(tx: Tx, id: UUID, *, subscription: str = UNREADABLE) -> None:
    """Delete it: its handlers have it now."""
    await tx.exec_driver_sql(
        "delete from messaging.open_message where event_id = $1 and subscription = $2",
        (id, subscription),
    )
