"""The books: for every event and everyone who should have heard it, what became of it.

A service answers for itself only. As owner it lists what a fence stands behind and who should have
heard each event, which is known from the time it was recorded; as listener it says what it knows
of events by their ids. `Account` adds both up, wherever it runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from hirewire.messaging.inbox import UNREADABLE
from hirewire.messaging.outbox import Tx
from hirewire.messaging.subscriptions import Subscription

STATES = ("handled", "in flight", "waiting", "retrying", "dead", "discarded", "missing")
"""What can have become of an event at a listener; every expected event is in exactly one."""

# A type's listeners are those who were there when the event's transaction began to write.
_LOG = """
select l.id, l.type, array(
    select s.service from messaging.listener s
    where s.type = l.type and s.until is null and l.xact >= s.since order by 1) as listeners
from messaging.log l, messaging.fence f
where f.id = $1 and l.id >= $2 and l.id > $3 and pg_visible_in_snapshot(l.xact, f.snapshot)
order by l.id limit $4
"""
# Of an event's handlers the one that is worst off counts. What could not be read counts for all.
# Nothing is expected of a handler that came when the service had entered the event already; what a
# handler that is gone has entered still counts. What an open replay brings is on its way.
_STATES = f"""
with asked as (
    select event_id, type from unnest($1::uuid[], $2::text[]) as a(event_id, type)
), known as (
    select name, max(since) as since from messaging.handler group by name
), entered as materialized (
    select a.event_id, a.type, i.subscription, i.heard_at, i.late
    from asked a
    cross join lateral (
        select subscription, heard_at, late from messaging.inbox
        where event_id = a.event_id offset 0) i
), unit as (
    select event_id, type, subscription, true as entered, late from entered
    where subscription <> '{UNREADABLE}'
    union all
    select a.event_id, a.type, h.subscription, false, false
    from asked a
    join unnest($3::text[], $4::text[]) as h(type, subscription) using (type)
    left join known k on k.name = h.subscription
    where not exists (
        select from entered e where e.event_id = a.event_id and e.subscription <> '{UNREADABLE}'
            and (e.subscription = h.subscription or e.heard_at < k.since))
    union all
    select o.event_id, o.type, o.subscription, true, false
    from messaging.open_message o
    where o.event_id = any($1::uuid[]) and o.subscription = '{UNREADABLE}'
), found as (
    select u.event_id, u.late, o.note, o.by, coalesce(o.state,
        case when u.entered then 'handled'
            when exists (select from messaging.awaiting w where w.type = u.type) then 'in flight'
            else 'missing' end) as state
    from unit u
    left join lateral (
        select state, note, by from messaging.open_message
        where event_id = u.event_id and subscription in (u.subscription, '{UNREADABLE}')
        order by subscription <> '{UNREADABLE}' limit 1) o on true
)
select distinct on (event_id) event_id, state, note, by,
    bool_or(late) over (partition by event_id) as late
from found
order by event_id, array_position(array['missing', 'in flight', 'dead', 'retrying', 'waiting',
    'discarded', 'handled'], state)
"""  # noqa: S608
_STORY = """
select id, type, key, sequence, recorded_at, correlation_id, causation_id
from messaging.log
where id >= $2 and correlation_id = any($1::text[]) order by recorded_at, position limit $3
"""
_ABOUT = """
select distinct correlation_id from messaging.log
where id >= $2 and (key = $1 or correlation_id = $1 or id::text = $1
    or strpos(body::text, $1) > 0)
limit $3
"""
_HEARD = """
select i.event_id, i.subscription, i.heard_at, i.settled_at, i.late, o.state
from unnest($1::uuid[]) as a(event_id)
cross join lateral (
    select * from messaging.inbox where event_id = a.event_id offset 0) i
left join messaging.open_message o
    on o.event_id = i.event_id and o.subscription = i.subscription
order by i.heard_at
"""


@dataclass(frozen=True, slots=True)
class Expected:
    """An event of the log, and who should have heard it."""

    id: UUID
    type: str
    listeners: Sequence[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a listener knows of an event."""

    id: UUID
    state: str
    late: bool
    note: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a story."""

    id: UUID
    type: str
    key: str
    sequence: int
    recorded_at: datetime
    correlation_id: str
    causation_id: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """That a handler has heard an event; `state` is None once it is handled."""

    event_id: UUID
    subscription: str
    heard_at: datetime
    settled_at: datetime | None
    late: bool
    state: str | None


async def recorded_before(
    tx: Tx, fence: UUID, *, since: UUID, after: UUID, limit: int
) -> list[Expected]:
    """Events that the fence stands behind, in the order of their ids, from `after` on."""
    result = await tx.exec_driver_sql(_LOG, (fence, since, after, limit))
    return [Expected(UUID(str(row.id)), row.type, row.listeners) for row in result]


async def states_of(
    tx: Tx, subscriptions: Sequence[Subscription], events: Mapping[UUID, str]
) -> list[Found]:
    """What is known here of these events, given with their types."""
    result = await tx.exec_driver_sql(
        _STATES,
        (
            list(events),
            list(events.values()),
            [s.event.name for s in subscriptions],
            [s.name for s in subscriptions],
        ),
    )
    return [Found(UUID(str(row.event_id)), row.state, row.late, row.note, row.by) for row in result]


async def about(tx: Tx, what: str, *, since: UUID, limit: int = 1000) -> list[str]:
    """Correlation ids of the stories in which this id occurs: as event, key, or in a payload."""
    result = await tx.exec_driver_sql(_ABOUT, (what, since, limit))
    return [row.correlation_id for row in result]


async def story(
    tx: Tx, correlation_ids: Sequence[str], *, since: UUID, limit: int = 5000
) -> list[Told]:
    """The events of these stories that were recorded here, in order."""
    result = await tx.exec_driver_sql(_STORY, (list(correlation_ids), since, limit))
    return [Told(**{**row, "id": UUID(str(row["id"]))}) for row in result.mappings()]


async def heard(tx: Tx, events: Sequence[UUID]) -> list[Heard]:
    """Who here has heard these events, and when."""
    result = await tx.exec_driver_sql(_HEARD, (list(events),))
    return [Heard(**{**row, "event_id": UUID(str(row["event_id"]))}) for row in result.mappings()]


@dataclass(slots=True)
class Line:
    """One owner's events at one listener."""

    expected: int = 0
    late: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    missing: list[UUID] = field(default_factory=list)
    discarded: list[Found] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Whether every expected event is in exactly one state."""
        return sum(self.counts.values()) == self.expected


class Account:
    """Adds up one owner's events, listener by listener."""

    def __init__(self, unsent: Iterable[UUID] = ()) -> None:
        self._unsent = set(unsent)
        self.recorded = 0
        self.unheard = 0
        """Events that nobody was to hear."""
        self.lines: dict[str, Line] = {}

    def expect(self, events: Iterable[Expected]) -> dict[str, dict[UUID, str]]:
        """Count what is expected; what is to be asked of each listener: ids with their types."""
        ask: dict[str, dict[UUID, str]] = {}
        for event in events:
            self.recorded += 1
            self.unheard += not event.listeners
            for listener in event.listeners:
                self.lines.setdefault(listener, Line()).expected += 1
                ask.setdefault(listener, {})[event.id] = event.type
        return ask

    def enter(
        self, listener: str, asked: Mapping[UUID, str], found: Iterable[Found], *, fenced: bool
    ) -> None:
        """Enter a listener's answer. Without the fence having come through (`fenced`), what it
        does not know may still be on its way.
        """
        line = self.lines[listener]
        answered: set[UUID] = set()
        for one in found:
            answered.add(one.id)
            state = one.state
            if state == "missing" and (not fenced or one.id in self._unsent):
                state = "in flight"
            line.counts[state] += 1
            line.late += one.late
            if state == "missing":
                line.missing.append(one.id)
            if state == "discarded":
                line.discarded.append(one)
        # No handler of that type is left there, though it is on the owner's list.
        for id in asked.keys() - answered:
            line.counts["missing"] += 1
            line.missing.append(id)


def first_id(moment: datetime) -> UUID:
    """The least UUIDv7 of that millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def row_of(one: Any) -> list[Any]:
    """A `Found` as the short list that crosses the wire."""
    return [str(one.id), one.state, one.late, one.note, one.by]
