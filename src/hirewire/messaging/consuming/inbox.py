"""The inbox: consumed events, the progress of each ordering key, and unresolved messages.

An *invocation* is one event for one subscription. This module has all statements on the inbox's
tables for the hot path; `dead_letters` has those of the operators.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hirewire.messaging.consuming.unresolved import (
    Row,
    clean,
    enter_one,
    insert,
    state_of,
    stored_headers,
)
from hirewire.messaging.envelope import source_of
from hirewire.messaging.subscriptions import Invocation
from hirewire.messaging.transaction import Tx


class KeyState(NamedTuple):
    """The state of an invocation's ordering key before this batch."""

    previous: int | None
    """The highest sequence that has taken effect."""
    open: int
    """Messages that are retrying, waiting or dead."""
    paused: bool = False
    """Whether an operator has paused the subscription."""


@dataclass(frozen=True, slots=True)
class Parked:
    """An invocation that must wait."""

    invocation: Invocation
    previous: int | None
    """The highest sequence of its ordering key that has taken effect."""
    first: bool
    """Whether nothing of its ordering key is before it, so that its lane may take it."""


# Entering waits for another replica that has entered the same invocation and not committed yet. If
# all invocations are new, as nearly always, their ordering keys are locked and advanced in the same
# statement; without a join, since the planner assumes ten elements for every array. The paused
# subscriptions are read once for each statement. A batch that began before a pause and one that
# sees it keep their order, since `open` is read under the ordering key's lock.
_ENTER = """
with entered as (
    insert into messaging.inbox (event_id, subscription, origin)
    select * from unnest($1::uuid[], $2::text[], $8::text[]) as u(event_id, subscription, origin)
    order by event_id, subscription
    on conflict do nothing
    returning event_id, subscription
), all_new as materialized (
    select count(*) = $7::bigint as yes from entered
), key_state as (
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
    (select array_agg(p.subscription) from messaging.pause p) as paused from key_state
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
_OPEN_KEY = """
insert into messaging.progress as p (subscription, source, key, open) values ($1, $2, $3, 1)
on conflict (subscription, source, key) do update set open = p.open + 1
returning open - 1 as open
"""


async def enter(tx: Tx, invocations: Sequence[Invocation]) -> list[tuple[Invocation, KeyState]]:
    """Enter invocations as handled, lock their ordering keys and advance these to their sequences.

    Returns those that had not been entered before, in order, with their keys' former states.
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
    rows: Sequence[Any] = result.all()
    if rows and rows[0].event_id is not None:
        entered = {(row.event_id, row.subscription) for row in rows}
        first = {place: invocation for place, invocation in first.items() if place in entered}
        rows = (await tx.exec_driver_sql(_ADVANCE, _ordering_key_columns(first.values()))).all()
    if not rows:
        return []
    paused = frozenset(rows[0].paused or ())
    key_states = {
        (name, source, key): KeyState(previous, open, name in paused)
        for _, name, source, key, previous, open, _ in rows
    }
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
    """The newly entered invocations that must wait.

    They wait behind unresolved messages, for an operator, or for the limits of their subscription.
    A subscription that lets later messages pass a failed one lets none pass one that only waits.
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
    """Store invocations that were entered as `waiting`, in order, each behind the previous one."""
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
    """Record that later events of their keys have overtaken these."""
    await tx.exec_driver_sql(
        _MARK_LATE,
        ([u.received.id for u in invocations], [u.subscription.name for u in invocations]),
    )


async def open_failed(
    tx: Tx, invocation: Invocation, error: str, *, delay: timedelta | None, attempts: int
) -> bool:
    """Enter an invocation whose handling has failed: retried after `delay`, or dead.

    Behind unresolved messages of its key it waits like any other, and becomes dead in its turn if
    it was to be. False if another replica had entered the invocation.
    """
    received, name = invocation.received, invocation.subscription.name
    if not await enter_one(tx, received.id, name, _origin_of(invocation)):
        return False
    opened = (await tx.exec_driver_sql(_OPEN_KEY, invocation.ordering_key)).scalar_one()
    state, seconds = state_of(delay)
    if opened and invocation.subscription.behind_failed == "wait":
        state, seconds = "waiting", None
        if delay is None:
            attempts = max(attempts, invocation.subscription.retry.most_attempts)
    row = Row(
        id=received.id,
        subscription=name,
        state=state,
        type=received.event.name,
        source=received.source,
        key=received.key,
        sequence=received.order,
        delivery=invocation.delivery,
        attempts=attempts,
        seconds=seconds,
        error=error,
    )
    await insert(tx, row)
    return True


def _origin_of(invocation: Invocation) -> str | None:
    """The origin of an invocation that is in no owner's log; None for one in a log."""
    if invocation.received.source != source_of(invocation.received.event.owner):
        return invocation.received.source or "(nobody)"
    repeated = invocation.delivery.headers.get("replayof")
    return f"repeat of {clean(repeated)[:100]}" if repeated is not None else None
