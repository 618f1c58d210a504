"""Claims on unresolved messages: how a process takes, resolves or fails them.

A claim is committed before the handlers run, so that a message that kills its process is known
afterwards. A message that was claimed alone and left behind by another process has spent an
attempt. One that was claimed with others and left behind becomes a *possible poison message*, which
is claimed alone from then on.

Locks are always taken in this order: unresolved messages, then progress rows (sorted), then
whatever the handlers lock. The consumer takes the last two in the same order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from hirewire.messaging.transaction import Tx

MOST_BYTES = 8 * 1024 * 1024
"""Bytes of bodies that are claimed at once; one message may be larger."""
_SCHEDULED = "o.state in ('retrying', 'waiting') and o.next_attempt_at is not null"

Place: TypeAlias = tuple[str, str]
"""Source and key: within a subscription, effects of a place keep their order."""

# One index probe for each subscription, however many messages are due.
_DUE = f"""
with recursive lane (name) as (
    (select o.subscription from messaging.open_message o where {_SCHEDULED}
        order by o.subscription limit 1)
    union all
    select (select o.subscription from messaging.open_message o
        where {_SCHEDULED} and o.subscription > lane.name order by o.subscription limit 1)
    from lane where lane.name is not null
)
select name, extract(epoch from clock_timestamp() - (
    select min(o.next_attempt_at) from messaging.open_message o
    where {_SCHEDULED} and o.subscription = lane.name))::float8 as overdue
from lane
where name is not null
    and not exists (select from messaging.pause p where p.subscription = lane.name)
"""  # noqa: S608
_HEADS = f"""
select event_id, state, attempts, source, key, octet_length(body) as size, closing, claimed_by,
    claimed_with, next_attempt_at
from messaging.open_message o
where {_SCHEDULED} and o.subscription = $1 and o.next_attempt_at <= clock_timestamp()
    and not exists (select from messaging.pause p where p.subscription = $1)
    and {{which}}
order by o.next_attempt_at, o.arrival limit $3
for update of o skip locked
"""  # noqa: S608
_FRESH = _HEADS.format(which="not o.suspect and (o.claimed_by is null or o.claimed_by = $2)")
_POISON = _HEADS.format(which="(o.suspect or o.claimed_by <> $2)")
_FOLLOWERS = """
select p.nth, w.event_id, w.size, w.attempts, w.suspect
from unnest($2::text[], $3::text[]) with ordinality as p(source, key, nth)
cross join lateral (
    select event_id, arrival, attempts, suspect, octet_length(body) as size
    from messaging.open_message o
    where o.state = 'waiting' and o.subscription = $1 and o.source = p.source and o.key = p.key
        and o.next_attempt_at is null
    order by o.arrival limit $4) w
order by p.nth, w.arrival
"""
_TAKE = """
update messaging.open_message o
set claimed_by = $2, claimed_with = u.others::uuid[], attempts = o.attempts + $5, suspect = $6,
    next_attempt_at = clock_timestamp() + $7::float8 * interval '1 second'
from unnest($3::uuid[], $4::text[]) as u(event_id, others)
where o.subscription = $1 and o.event_id = u.event_id
"""
_FLAG_POISON = """
update messaging.open_message set suspect = true
where subscription = $1 and event_id = any($2::uuid[])
"""
# Waits for the claim's own transaction, whose COMMIT may still be running: only a statement that
# begins after its end sees the claim.
_AWAIT_CLAIM = """
select event_id from messaging.open_message
where subscription = $1 and event_id = any($2::uuid[]) order by arrival for update
"""
_GIVE_BACK = """
update messaging.open_message
set claimed_by = null, claimed_with = null, next_attempt_at = clock_timestamp()
where subscription = $1 and event_id = any($2::uuid[]) and claimed_by = $3 and closing is null
"""
_COLUMNS = "event_id, state, attempts, type, source, key, error, body, headers"
_LOCK = f"""
select {_COLUMNS} from messaging.open_message
where subscription = $1 and event_id = any($2::uuid[]) and claimed_by = $3
    and state in ('retrying', 'waiting') and closing is null
order by arrival for update
"""  # noqa: S608
_READ_FOLLOWERS = f"""
select {_COLUMNS} from messaging.open_message
where subscription = $1 and event_id = any($2::uuid[]) and state = 'waiting'
order by arrival
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages of one subscription that this process has taken."""

    heads: Sequence[UUID]
    """The first unresolved messages of their keys; only one for each key with followers."""
    followers: Sequence[UUID] = ()
    """Messages that wait behind them and are claimed with them."""
    failed_before: bool = False
    """Whether one of the heads has failed before."""
    lost: bool = False
    """Whether another process had claimed it alone and left it behind."""
    closing: bool = False
    """Whether the heads are handled, so that only their keys must be released."""

    @property
    def size(self) -> int:
        """The number of messages."""
        return len(self.heads) + len(self.followers)


@dataclass(frozen=True, slots=True)
class Left:
    """A claim of another process, as it was last seen."""

    event_id: UUID
    claimed_by: UUID
    until: datetime


async def due(tx: Tx) -> dict[str, float]:
    """The subscriptions with scheduled messages, and the seconds since the first was due.

    Negative for one that is not due yet. Paused subscriptions are left out.
    """
    return {row.name: row.overdue for row in await tx.exec_driver_sql(_DUE)}


async def take_fresh(
    tx: Tx,
    lane: str,
    instance: UUID,
    *,
    most: int,
    attempts: int,
    lease: float,
    chains: bool = True,
) -> Claim | None:
    """Claim up to so many due messages, with those that wait behind them.

    One that has spent all `attempts` is claimed alone. Without `chains`, no message waits behind a
    failed one.
    """
    rows = (await tx.exec_driver_sql(_FRESH, (lane, instance, most))).all()
    closing = [id_of(row) for row in rows if row.closing is not None]
    if closing:
        return Claim(closing, closing=True)
    heads = _heads(rows, attempts)
    if not heads:
        return None
    behind: dict[UUID, list[UUID]] = {}
    if len(heads) < most and heads[0].attempts < attempts:
        leading = [row for row in heads if chains or row.state == "waiting"]
        room = MOST_BYTES - sum(row.size for row in heads)
        places = {(row.source, row.key): id_of(row) for row in reversed(leading)}
        behind = await _followers(tx, lane, places, most - len(heads), room, attempts)
    alone = len(heads) == 1 and not behind
    others = [None if alone else _array(behind.get(id_of(row), ())) for row in heads]
    ids = [id_of(row) for row in heads]
    await tx.exec_driver_sql(_TAKE, (lane, instance, ids, others, 0, False, lease))
    return Claim(
        ids,
        [id for some in behind.values() for id in some],
        any(row.state == "retrying" for row in heads),
    )


def _heads(rows: Sequence[Any], attempts: int) -> list[Any]:
    """The first of these messages that may be claimed together."""
    heads: list[Any] = []
    size = 0
    for row in rows:
        size += row.size
        if heads and (size > MOST_BYTES or row.attempts >= attempts):
            break
        heads.append(row)
        if row.attempts >= attempts:
            break
    return heads


async def _followers(
    tx: Tx, lane: str, leaders: Mapping[Place, UUID], most: int, room: int, attempts: int
) -> dict[UUID, list[UUID]]:
    """The messages that wait behind each head, from the front and without a gap."""
    places = list(leaders)
    sources, keys = columns(places)
    rows = await tx.exec_driver_sql(_FOLLOWERS, (lane, sources, keys, most))
    found: dict[UUID, list[UUID]] = {}
    ended: set[int] = set()
    for row in rows:
        if row.nth in ended:
            continue
        if row.suspect or row.attempts >= attempts or row.size > room or most == 0:
            ended.add(row.nth)
            continue
        room -= row.size
        most -= 1
        found.setdefault(leaders[places[row.nth - 1]], []).append(id_of(row))
    return found


async def left_behind(tx: Tx, lane: str, instance: UUID, limit: int = 500) -> list[Any]:
    """Possible poison messages that are due, and claims that other processes left behind."""
    return list((await tx.exec_driver_sql(_POISON, (lane, instance, limit))).all())


def left_of(row: Any, instance: UUID) -> Left | None:
    """The claim of another process on a row of `left_behind`."""
    if row.claimed_by is None:
        return None
    claimed_by = UUID(str(row.claimed_by))
    return None if claimed_by == instance else Left(id_of(row), claimed_by, row.next_attempt_at)


async def take_poison(
    tx: Tx, lane: str, instance: UUID, row: Any, *, left: bool, lease: float
) -> Claim:
    """Claim a row of `left_behind` alone. `left`: another process has left it behind."""
    if row.closing is not None:
        return Claim([id_of(row)], closing=True)
    together = left and row.claimed_with is not None
    if together and row.claimed_with:
        await tx.exec_driver_sql(_FLAG_POISON, (lane, list(row.claimed_with)))
    lost = left and not together
    arguments = (lane, instance, [id_of(row)], [None], int(lost), True, lease)
    await tx.exec_driver_sql(_TAKE, arguments)
    return Claim([id_of(row)], failed_before=True, lost=lost)


async def give_back(tx: Tx, lane: str, instance: UUID, heads: Sequence[UUID]) -> None:
    """Release messages that were not handled: no attempt is spent, and they are due."""
    await tx.exec_driver_sql(_AWAIT_CLAIM, (lane, list(heads)))
    await tx.exec_driver_sql(_GIVE_BACK, (lane, list(heads), instance))


async def lock(tx: Tx, lane: str, instance: UUID, claim: Claim) -> list[Any]:
    """The claimed heads that this process still holds, locked, in order."""
    return list((await tx.exec_driver_sql(_LOCK, (lane, list(claim.heads), instance))).all())


async def followers(tx: Tx, lane: str, claim: Claim, heads: Sequence[Any]) -> list[Any]:
    """The claimed messages behind these heads, in order."""
    if not claim.followers:
        return []
    places = {(row.source, row.key) for row in heads}
    rows = await tx.exec_driver_sql(_READ_FOLLOWERS, (lane, list(claim.followers)))
    return [row for row in rows if (row.source, row.key) in places]


async def newcomers(
    tx: Tx, lane: str, claim: Claim, heads: Sequence[Any], *, most: int, attempts: int
) -> Claim:
    """Extend the claim by up to so many messages that arrived behind it in the meantime.

    Its places must be locked: once all of these are handled, the key is free and its next message
    goes the usual way. A busy key would never get there otherwise.
    """
    leaders = {(row.source, row.key): id_of(row) for row in reversed(heads)}
    most += len(claim.followers)
    room = MOST_BYTES - sum(len(row.body) for row in heads)
    found = await _followers(tx, lane, leaders, most, room, attempts)
    return replace(claim, followers=[id for some in found.values() for id in some])


def columns(places: Iterable[Place]) -> tuple[list[str], list[str]]:
    """The distinct places, as a column of sources and one of keys."""
    found = list(dict.fromkeys(places))
    return [source for source, _ in found], [key for _, key in found]


def _array(ids: Iterable[UUID]) -> str:
    """As a PostgreSQL literal, since an array of arrays would have to be rectangular."""
    return "{" + ",".join(str(id) for id in ids) + "}"


def id_of(row: Any) -> UUID:
    """The event id of a row."""
    id: UUID = row.event_id
    return id
