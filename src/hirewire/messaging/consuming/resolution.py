"""Resolves or fails claimed messages, releases their keys and promotes the next messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from hirewire.messaging.consuming.claims import Place, columns, id_of
from hirewire.messaging.transaction import Tx

_REACHED = """
select source, key, coalesce(sequence, 0) as sequence from messaging.progress
where subscription = $1 and (source, key) in (select * from unnest($2::text[], $3::text[]))
order by subscription, source, key
"""
_RESOLVED = """
update messaging.inbox i set settled_at = clock_timestamp(), late = u.late
from unnest($2::uuid[], $3::boolean[]) as u(event_id, late)
where i.event_id = u.event_id and i.subscription = $1
"""
_DELETE = """
delete from messaging.open_message where subscription = $1 and event_id = any($2::uuid[])
"""
# `waiting`, so that nobody can discard it any more.
_LEAVE_TO_CLOSE = """
update messaging.open_message o
set state = 'waiting', closing = u.settled, sequence = u.sequence, body = '', headers = '{}',
    claimed_by = null, claimed_with = null, suspect = false, next_attempt_at = clock_timestamp()
from unnest($2::uuid[], $3::integer[], $4::bigint[]) as u(event_id, settled, sequence)
where o.subscription = $1 and o.event_id = u.event_id
"""
_CLOSING = """
select event_id, source, key, closing, sequence from messaging.open_message
where subscription = $1 and event_id = any($2::uuid[]) and closing is not null
order by arrival for update skip locked
"""
_RELEASE = """
update messaging.progress p
set open = p.open - u.settled, sequence = greatest(p.sequence, u.sequence)
from unnest($2::text[], $3::text[], $4::integer[], $5::bigint[])
    as u(source, key, settled, sequence)
where p.subscription = $1 and p.source = u.source and p.key = u.key
"""
_PROMOTE = """
update messaging.open_message o set next_attempt_at = clock_timestamp()
from unnest($2::text[], $3::text[]) as p(source, key)
cross join lateral (
    select event_id, next_attempt_at from messaging.open_message w
    where w.state = 'waiting' and w.subscription = $1 and w.source = p.source and w.key = p.key
    order by w.arrival limit 1) as first
where o.subscription = $1 and o.event_id = first.event_id and first.next_attempt_at is null
"""
_FAILED = """
update messaging.open_message set state = $3, attempts = $4, error = $5,
    claimed_by = null, claimed_with = null, suspect = false,
    next_attempt_at = clock_timestamp() + $6::float8 * interval '1 second',
    history = (select jsonb_agg(h order by n) from (
        select h, n from jsonb_array_elements(coalesce(history, '[]') || $7::jsonb)
            with ordinality as e(h, n) order by n desc limit $8) kept)
where event_id = $1 and subscription = $2
"""


async def reached(
    tx: Tx, lane: str, places: Iterable[Place], *, locked: bool
) -> Mapping[Place, int]:
    """The highest sequence that has taken effect at these places."""
    sources, keys = columns(places)
    statement = _REACHED + (" for update" if locked else "")
    result = await tx.exec_driver_sql(statement, (lane, sources, keys))
    return {(row.source, row.key): row.sequence for row in result}


@dataclass(frozen=True, slots=True)
class Resolved:
    """The handled events of one ordering key."""

    place: Place
    number: int
    sequence: int | None
    """The highest sequence number among them."""


async def resolve(
    tx: Tx,
    lane: str,
    lates: Mapping[UUID, bool],
    followers: Sequence[UUID],
    heads: Mapping[UUID, Resolved],
    *,
    locked: bool,
) -> None:
    """Record messages as handled.

    If their places are `locked`, they are released at once, otherwise by `close`.
    """
    await tx.exec_driver_sql(_RESOLVED, (lane, list(lates), list(lates.values())))
    if locked:
        await tx.exec_driver_sql(_DELETE, (lane, [*heads, *followers]))
        if heads:
            await release(tx, lane, heads.values(), locked=True)
        return
    if followers:
        await tx.exec_driver_sql(_DELETE, (lane, list(followers)))
    numbers = [one.number for one in heads.values()]
    sequences = [one.sequence for one in heads.values()]
    await tx.exec_driver_sql(_LEAVE_TO_CLOSE, (lane, list(heads), numbers, sequences))


async def close(tx: Tx, lane: str, heads: Sequence[UUID]) -> None:
    """Release the places of handled heads. Repeating it has no effect."""
    rows = (await tx.exec_driver_sql(_CLOSING, (lane, list(heads)))).all()
    if rows:
        await tx.exec_driver_sql(_DELETE, (lane, [id_of(row) for row in rows]))
        await release(
            tx,
            lane,
            [Resolved((row.source, row.key), row.closing, row.sequence) for row in rows],
        )


async def release(tx: Tx, lane: str, resolved: Iterable[Resolved], *, locked: bool = False) -> None:
    """Remove handled messages from their places, and promote the next waiting message of each.

    Locks the places' progress rows, unless they are `locked` already. The arrival of a follower
    locks them too, so that none is left waiting behind nothing: the promotion sees all that arrived
    before, and what arrives later sees no unresolved message.
    """
    numbers: dict[Place, int] = {}
    sequences: dict[Place, int | None] = {}
    for one in resolved:
        numbers[one.place] = numbers.get(one.place, 0) + one.number
        before = sequences.get(one.place)
        sequences[one.place] = one.sequence if before is None else max(before, one.sequence or 0)
    sources, keys = columns(numbers)
    if not locked:
        await reached(tx, lane, numbers, locked=True)
    arguments = (lane, sources, keys, list(numbers.values()), list(sequences.values()))
    await tx.exec_driver_sql(_RELEASE, arguments)
    await tx.exec_driver_sql(_PROMOTE, (lane, sources, keys))


async def promote(tx: Tx, lane: str, place: Place) -> None:
    """Let the messages that wait at a place continue, although one of them has failed."""
    await reached(tx, lane, [place], locked=True)
    await tx.exec_driver_sql(_PROMOTE, (lane, [place[0]], [place[1]]))


async def fail(
    tx: Tx,
    lane: str,
    event_id: UUID,
    *,
    delay: float | None,
    attempts: int,
    error: str,
    history: str,
    keep: int,
) -> None:
    """Record a failed attempt: retried after `delay` seconds, or dead without a delay."""
    state = "dead" if delay is None else "retrying"
    await tx.exec_driver_sql(
        _FAILED, (event_id, lane, state, attempts, error, delay, history, keep)
    )
