"""The inbox: what was consumed, how far each ordering key is, and what is still unresolved.

An *invocation* is one event for one subscription. The statements here are all there is to know of
the inbox's tables on the hot path; `deadletters` has those of the operators.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import dump_headers, source_of, type_of
from hirewire.messaging.subscriptions import UNREADABLE, Invocation
from hirewire.messaging.transaction import Tx

ERROR_LENGTH = 2000
HISTORY_LENGTH = 50
HELD_FOR = timedelta(days=1)
"""How long what this version does not know is kept for one that does."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where an invocation's ordering key stood before this batch."""

    previous: int | None
    """The highest sequence that has taken effect."""
    open: int
    """Messages that are retrying, waiting or dead."""
    paused: bool = False
    """Whether an operator has paused the subscription."""


@dataclass(frozen=True, slots=True)
class Parked:
    """An invocation that is to wait."""

    invocation: Invocation
    previous: int | None
    """The highest sequence of its ordering key that has taken effect."""
    first: bool
    """Nothing of its ordering key is in front of it: its lane may take it."""


# Entering waits for another replica that has entered the same invocation and not committed yet.
# When all invocations are new, as nearly always, their ordering keys are locked and moved on in the
# same statement; no join, since the planner takes every array for ten elements. The paused
# subscriptions are read once a statement. A batch that began before a pause and one that sees it
# keep their order all the same, since `open` is read under the ordering key's lock.
_ENTER = """
with entered as (
    insert into messaging.inbox (event_id, subscription, origin)
    select * from unnest($1::uuid[], $2::text[], $8::text[]) as u(event_id, subscription, origin)
    order by event_id, subscription
    on conflict do nothing
    returning event_id, subscription
), all_new as materialized (
    select count(*) = $7::bigint as yes from entered
), track as (
    insert into messaging.progress as p (subscription, source, key, sequence)
    select * from unnest($3::text[], $4::text[], $5::text[], $6::bigint[])
        as t(subscription, source, key, sequence)
    where (select yes from all_new)
    order by subscription, source, key
    on conflict (subscription, source, key) do update
    set previous = p.sequence, sequence = greatest(p.sequence, excluded.sequence),
        moved_on = current_date
    returning subscription, source, key, previous, open
)
select null::uuid as event_id, subscription, source, key, previous, open,
    (select array_agg(p.subscription) from messaging.pause p) as paused from track
union all
select event_id, subscription, null, null, null, null, null from entered
where not (select yes from all_new)
"""
_ADVANCE = """
insert into messaging.progress as p (subscription, source, key, sequence)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    as t(subscription, source, key, sequence)
order by subscription, source, key
on conflict (subscription, source, key) do update
set previous = p.sequence, sequence = greatest(p.sequence, excluded.sequence),
    moved_on = current_date
returning null::uuid as event_id, subscription, source, key, previous, open,
    (select array_agg(q.subscription) from messaging.pause q) as paused
"""
_PARK = """
insert into messaging.open_message (event_id, subscription, state, type, source, key, sequence,
    body, headers, next_attempt_at)
select event_id, subscription, 'waiting', type, source, key, sequence, body, headers,
    case when first then clock_timestamp() end
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
        $7::bytea[], $8::json[], $9::boolean[]) with ordinality
    as u(event_id, subscription, type, source, key, sequence, body, headers, first, nth)
order by nth
"""
_CHAINED = """
select t.subscription, t.source, t.key
from unnest($1::text[], $2::text[], $3::text[]) as t(subscription, source, key)
where exists (select from messaging.open_message w
    where w.state = 'waiting' and w.subscription = t.subscription and w.source = t.source
        and w.key = t.key and w.next_attempt_at is not null)
"""
_HOLD_BACK = """
update messaging.progress p set open = p.open + u.more, sequence = u.sequence
from unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[])
    as u(subscription, source, key, more, sequence)
where (p.subscription, p.source, p.key) = (u.subscription, u.source, u.key)
"""
_MARK_LATE = """
update messaging.inbox i set late = true
from unnest($1::uuid[], $2::text[]) as u(event_id, subscription)
where i.event_id = u.event_id and i.subscription = u.subscription
"""
_START_ATTEMPT = (
    "insert into messaging.suspect (fingerprint, instance) values ($1, $2) on conflict do nothing"
)
_ENTER_ONE = """
insert into messaging.inbox (event_id, subscription, origin) values ($1, $2, $3)
on conflict do nothing returning event_id
"""
_OPEN_KEY = """
insert into messaging.progress as p (subscription, source, key, open) values ($1, $2, $3, 1)
on conflict (subscription, source, key) do update set open = p.open + 1
returning open - 1 as open
"""
_OPEN = """
insert into messaging.open_message (event_id, subscription, state, type, source, key, sequence,
    body, headers, attempts, next_attempt_at, error, history)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::json, $10,
    clock_timestamp() + $11::float8 * interval '1 second', $12, $13::jsonb)
"""


_HELD = """
select event_id, arrival, body, headers from messaging.open_message
where subscription = $1 and state = 'retrying' and type = any($2::text[]) and arrival > $3
    and claimed_by is null
order by arrival limit $4
"""


async def enter(tx: Tx, invocations: Sequence[Invocation]) -> list[tuple[Invocation, KeyState]]:
    """Enter invocations as handled, lock their ordering keys and advance these to their sequences.

    Returns those that had not been entered before, in their order, with their keys' former states.
    """
    first: dict[tuple[UUID, str], Invocation] = {}
    for invocation in invocations:
        first.setdefault((invocation.received.id, invocation.subscription.name), invocation)
    result = await tx.exec_driver_sql(
        _ENTER,
        (
            [id for id, _ in first],
            [name for _, name in first],
            *_ordering_key_columns(first.values()),
            len(first),
            [_origin_of(invocation) for invocation in first.values()],
        ),
    )
    rows = result.all()
    if rows and rows[0].event_id is not None:
        entered = {(row.event_id, row.subscription) for row in rows}
        first = {place: invocation for place, invocation in first.items() if place in entered}
        rows = (await tx.exec_driver_sql(_ADVANCE, _ordering_key_columns(first.values()))).all()
    paused = frozenset(rows[0].paused or ()) if rows else frozenset()
    key_states = {
        (row.subscription, row.source, row.key): KeyState(
            row.previous, row.open, row.subscription in paused
        )
        for row in rows
    }
    if not rows:
        return []
    return [(invocation, key_states[invocation.ordering_key]) for invocation in first.values()]


def _ordering_key_columns(
    invocations: Iterable[Invocation],
) -> tuple[list[str], list[str], list[str], list[int | None]]:
    """The ordering keys of invocations with the highest sequence of each, as columns."""
    highest: dict[tuple[str, str, str], int | None] = {}
    for invocation in invocations:
        ordering_key, sequence = invocation.ordering_key, invocation.received.order
        before = highest.get(ordering_key)
        if before is None or (sequence is not None and sequence > before):
            highest[ordering_key] = sequence
    return (
        [name for name, _, _ in highest],
        [source for _, source, _ in highest],
        [key for _, _, key in highest],
        list(highest.values()),
    )


async def held_back(tx: Tx, entered: Sequence[tuple[Invocation, KeyState]]) -> list[Parked]:
    """Those of the invocations just entered that must wait: behind unresolved messages, for an
    operator, or for the limits of their subscription.

    A subscription that lets followers pass what has failed lets none pass what only waits.
    """
    passing = {
        invocation.ordering_key
        for invocation, key_state in entered
        if key_state.open and invocation.subscription.behind_failed == "skip"
    }
    chained = await _chained(tx, passing) if passing else set()
    parked: list[Parked] = []
    fronts: set[tuple[str, str, str]] = set()
    for invocation, key_state in entered:
        ordering_key = invocation.ordering_key
        behind = ordering_key in chained if ordering_key in passing else key_state.open > 0
        if behind or key_state.paused or invocation.subscription.limited:
            parked.append(
                Parked(invocation, key_state.previous, not behind and ordering_key not in fronts)
            )
            fronts.add(ordering_key)
    return parked


async def _chained(
    tx: Tx, ordering_keys: Iterable[tuple[str, str, str]]
) -> set[tuple[str, str, str]]:
    names, sources, keys = zip(*ordering_keys, strict=True)
    result = await tx.exec_driver_sql(_CHAINED, (list(names), list(sources), list(keys)))
    return {(row.subscription, row.source, row.key) for row in result}


async def park(tx: Tx, waiting: Sequence[Parked]) -> None:
    """Keep invocations that were entered as `waiting`, in order, each behind the one before it."""
    parked = [one.invocation for one in waiting]
    await tx.exec_driver_sql(
        _PARK,
        (
            [u.received.id for u in parked],
            [u.subscription.name for u in parked],
            [u.received.event.name for u in parked],
            [u.received.source for u in parked],
            [u.received.key for u in parked],
            [u.received.order for u in parked],
            [u.delivery.body for u in parked],
            [stored_headers(u.delivery) for u in parked],
            [one.first for one in waiting],
        ),
    )
    more: dict[tuple[str, str, str], int] = {}
    before = {one.invocation.ordering_key: one.previous for one in waiting}
    for invocation in parked:
        more[invocation.ordering_key] = more.get(invocation.ordering_key, 0) + 1
    names, sources, keys = zip(*more, strict=True)
    await tx.exec_driver_sql(
        _HOLD_BACK,
        (
            list(names),
            list(sources),
            list(keys),
            list(more.values()),
            [before[ordering_key] for ordering_key in more],
        ),
    )


async def mark_late(tx: Tx, invocations: Sequence[Invocation]) -> None:
    """Note that these were overtaken by later events of their keys."""
    await tx.exec_driver_sql(
        _MARK_LATE,
        ([u.received.id for u in invocations], [u.subscription.name for u in invocations]),
    )


async def open_failed(
    tx: Tx, invocation: Invocation, error: str, *, delay: timedelta | None, attempts: int
) -> bool:
    """Enter an invocation whose handling has failed: to be tried again after `delay`, or dead.

    Behind messages of its key that are open already it waits as any other does, and fails for good
    in its turn if it was to be dead. False when another replica had entered the invocation.
    """
    received, name = invocation.received, invocation.subscription.name
    entered = await tx.exec_driver_sql(_ENTER_ONE, (received.id, name, _origin_of(invocation)))
    if entered.first() is None:
        return False
    opened = (await tx.exec_driver_sql(_OPEN_KEY, invocation.ordering_key)).scalar_one()
    state, seconds = _state(delay)
    if opened and invocation.subscription.behind_failed == "wait":
        state, seconds = "waiting", None
        if delay is None:
            attempts = max(attempts, invocation.subscription.retry.most_attempts)
    await tx.exec_driver_sql(
        _OPEN,
        (
            received.id,
            name,
            state,
            received.event.name,
            received.source,
            received.key,
            received.order,
            invocation.delivery.body,
            stored_headers(invocation.delivery),
            attempts,
            seconds,
            clean(error)[:ERROR_LENGTH],
            json.dumps([history_entry(error, attempts)]),
        ),
    )
    return True


def _origin_of(invocation: Invocation) -> str | None:
    """Where an invocation comes from that is in no owner's log; None for what is in one."""
    if invocation.received.source != source_of(invocation.received.event.owner):
        return invocation.received.source or "(nobody)"
    repeated = invocation.delivery.headers.get("replayof")
    return f"repeat of {clean(repeated)[:100]}" if repeated is not None else None


def _state(delay: timedelta | None) -> tuple[str, float | None]:
    """The state of a message that has failed, and the seconds until its next attempt."""
    return ("dead", None) if delay is None else ("retrying", delay.total_seconds())


def is_unreadable(subscription: str) -> bool:
    """Whether it stands for the handler of what could not be read."""
    return subscription.partition("@")[0] == UNREADABLE


async def dead_letter(
    tx: Tx, delivery: Delivery, id: UUID, reason: str, *, subscription: str = UNREADABLE
) -> None:
    """Enter a delivery that no handler can get as dead, with its raw bytes. It blocks nothing."""
    await _open_unreadable(tx, delivery, id, reason, subscription, delay=None)


async def hold(
    tx: Tx, delivery: Delivery, id: UUID, reason: str, *, subscription: str = UNREADABLE
) -> None:
    """Keep a delivery for a version of the program that knows it; after a day it is dead."""
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
    entered = await tx.exec_driver_sql(_ENTER_ONE, (id, subscription, None))
    if entered.first() is None:
        return
    state, seconds = _state(delay)
    await tx.exec_driver_sql(
        _OPEN,
        (
            id,
            subscription,
            state,
            clean(type_of(delivery))[:255],
            clean(delivery.headers.get("source", ""))[:255],
            "",
            None,
            delivery.body,
            stored_headers(delivery),
            0,
            seconds,
            clean(reason)[:ERROR_LENGTH],
            json.dumps([history_entry(reason, 0)]),
        ),
    )


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
    """Its handlers have it now."""
    await tx.exec_driver_sql(
        "delete from messaging.open_message where event_id = $1 and subscription = $2",
        (id, subscription),
    )


async def count_start_attempt(tx: Tx, fingerprint: UUID, instance: UUID) -> int:
    """Count a start attempt of this process; returns how many processes started and never ended."""
    await tx.exec_driver_sql(_START_ATTEMPT, (fingerprint, instance))
    result = await tx.exec_driver_sql(
        "select count(*) from messaging.suspect where fingerprint = $1", (fingerprint,)
    )
    start_attempts: int = result.scalar_one()
    return start_attempts


async def forget_start_attempt(tx: Tx, fingerprint: UUID, instance: UUID) -> None:
    """Take a process's start back: it was stopped meanwhile. Its COMMIT may still be on its way:
    who inserts the same waits for it, and what begins after that sees it.
    """
    await tx.exec_driver_sql(_START_ATTEMPT, (fingerprint, instance))
    await tx.exec_driver_sql(
        "delete from messaging.suspect where fingerprint = $1 and instance = $2",
        (fingerprint, instance),
    )


async def clear_start_attempts(tx: Tx, fingerprint: UUID) -> None:
    """Forget a possible poison message: it was handled, or entered as failed or dead."""
    await tx.exec_driver_sql("delete from messaging.suspect where fingerprint = $1", (fingerprint,))


def history_entry(error: str, attempt: int) -> dict[str, Any]:
    """One line of an unresolved message's history."""
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
