"""The ledger: the state of every event at every subscriber that should have consumed it.

Each service reports only its own data. As an owner it lists the events before a barrier with their
expected subscribers, which are known from the time of recording; as a subscriber it reports its
records of events by their ids. `Ledger` combines both, in any process.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from hirewire.messaging.subscriptions import UNREADABLE, Subscription
from hirewire.messaging.transaction import Tx

STATES = ("handled", "in flight", "waiting", "retrying", "dead", "discarded", "missing")
"""The possible states of an event at a subscriber; every expected event has exactly one."""

# A type's subscribers are those at the time when the event's transaction began to write.
# Transaction ids are compared within one epoch; a barrier sees all of the earlier ones.
_LOG = """
select l.id, l.type, array(
        select s.service from messaging.listener s
        where s.type = l.type and s.until is null
          and (l.epoch, l.xact) >= (s.since_epoch, s.since) order by 1) as listeners,
    exists (select from messaging.fence_unsent u
        where u.fence_id = f.id and u.event_id = l.id) as unsent
from messaging.log l, messaging.fence f
where f.id = $1 and l.id > $3 and l.id >= greatest($2::uuid, (
        select messaging.first_id(log_from) from messaging.retention))
  and (l.epoch < f.epoch or l.epoch = f.epoch and pg_visible_in_snapshot(l.xact, f.snapshot))
order by l.id limit $4
"""
# The consumed events of an owner, without external ones and repeats. Before the first check of the
# lineage these were not distinguished.
_ENTERED = """
select event_id, array_agg(subscription order by subscription) as subscriptions,
    min(heard_at) as heard_at
from messaging.inbox
where event_id >= $2 and event_id > $3 and subscription = any($1::text[]) and origin is null
  and heard_at >= (select min(since) from messaging.lineage)
group by event_id order by event_id limit $4
"""
_UNKNOWN = """
select a.id from unnest($1::uuid[]) as a(id)
where not exists (select from messaging.log where id = a.id offset 0)
  and a.id >= coalesce((select messaging.first_id(log_from) from messaging.retention), a.id)
"""
_FLOW = """
select pg_stat_get_tuples_deleted('messaging.outbox'::regclass) as sent, (
    select coalesce(sum(pg_stat_get_tuples_inserted(inhrelid)), 0)::bigint from pg_inherits
    where inhparent = 'messaging.inbox'::regclass) as entered
"""
_ACCEPT = """
update messaging.inbox set origin = $3
where event_id = any($1::uuid[]) and subscription = any($2::text[]) and origin is null
"""


# The worst state among an event's handlers counts. An unreadable message counts for all of them.
# Nothing is expected of a handler that was added after the service had entered the event; the
# entries of a removed handler still count. Events of an open replay are in flight.
def _states_sql(entries: str, unreadable: str, queues: str) -> str:
    return f"""
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
    where {entries}
), unit as (
    select event_id, type, subscription, true as entered, late from entered
    where subscription <> {unreadable}
    union all
    select a.event_id, a.type, h.subscription, false, false
    from asked a
    join unnest($3::text[], $4::text[]) as h(type, subscription) using (type)
    left join known k on k.name = h.subscription
    where not exists (
        select from entered e where e.event_id = a.event_id and e.subscription <> {unreadable}
            and (e.subscription = h.subscription or e.heard_at < k.since))
    union all
    select o.event_id, o.type, o.subscription, true, false
    from messaging.open_message o
    where o.event_id = any($1::uuid[]) and o.subscription = {unreadable}
), found as (
    select u.event_id, u.late, o.note, o.by, coalesce(o.state,
        case when u.entered then 'handled'
            when exists (select from messaging.awaiting w
                where w.type = u.type and {queues}) then 'in flight'
            else 'missing' end) as state
    from unit u
    left join lateral (
        select state, note, by from messaging.open_message
        where event_id = u.event_id and subscription in (u.subscription, {unreadable})
        order by subscription <> {unreadable} limit 1) o on true
)
select distinct on (event_id) event_id, state, note, by,
    bool_or(late) over (partition by event_id) as late
from found
order by event_id, array_position(array['missing', 'in flight', 'dead', 'retrying', 'waiting',
    'discarded', 'handled'], state)
"""  # noqa: S608


# Entries of projection generations are theirs: each is a separate subscriber.
_STATES = _states_sql(
    "strpos(i.subscription, '@') = 0", f"'{UNREADABLE}'", "strpos(w.queue, '@') = 0"
)
_STATES_OF_GENERATION = _states_sql(
    "i.subscription = any($4::text[] || $5::text)", "$5::text", "w.queue = $6::text"
)
_CHAIN = """
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
_CONSUMED = """
select i.event_id, i.subscription, i.heard_at, i.settled_at, i.late, o.state
from unnest($1::uuid[]) as a(event_id)
cross join lateral (
    select * from messaging.inbox where event_id = a.event_id offset 0) i
left join messaging.open_message o
    on o.event_id = i.event_id and o.subscription = i.subscription
order by i.heard_at
"""


class Handlers(Protocol):
    """The handlers of one generation of a projection."""

    @property
    def handlers(self) -> Sequence[str]:
        """Their names."""

    @property
    def types(self) -> Sequence[str]:
        """The event of each, in the same order."""

    @property
    def unreadable(self) -> str:
        """Placeholder handler for unreadable messages."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An event of the log and its expected subscribers."""

    id: UUID
    type: str
    subscribers: Sequence[str]
    unsent: bool = False
    """Whether it is not before the barrier, since the broker had not accepted it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A subscriber's record of an event."""

    id: UUID
    state: str
    late: bool
    note: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Entered:
    """An event that was consumed here, and its handlers."""

    id: UUID
    subscriptions: Sequence[str]
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Flow:
    """Counts that grow while events are published and entered; from the server, about 1 s old."""

    sent: int
    entered: int


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """An event of a causal trace."""

    id: UUID
    type: str
    key: str
    sequence: int
    recorded_at: datetime
    correlation_id: str
    causation_id: str | None


@dataclass(frozen=True, slots=True)
class Consumption:
    """The consumption of an event by a handler; `state` is None once it is handled."""

    event_id: UUID
    subscription: str
    heard_at: datetime
    settled_at: datetime | None
    late: bool
    state: str | None


async def recorded_before(
    tx: Tx, barrier: UUID, *, since: UUID, after: UUID, limit: int
) -> list[Expected]:
    """Events before the barrier, in the order of their ids, from `after` on."""
    result = await tx.exec_driver_sql(_LOG, (barrier, since, after, limit))
    return [Expected(UUID(str(row.id)), row.type, row.listeners, row.unsent) for row in result]


async def entered(
    tx: Tx, subscriptions: Sequence[str], *, since: UUID, after: UUID, limit: int
) -> list[Entered]:
    """The owner's events that these handlers have consumed, in the order of ids."""
    result = await tx.exec_driver_sql(_ENTERED, (list(subscriptions), since, after, limit))
    return [Entered(UUID(str(row.event_id)), row.subscriptions, row.heard_at) for row in result]


async def unknown(tx: Tx, ids: Sequence[UUID]) -> list[UUID]:
    """The events among these that were never recorded here, as far back as the log goes."""
    result = await tx.exec_driver_sql(_UNKNOWN, (list(ids),))
    return [UUID(str(row.id)) for row in result]


async def accept(tx: Tx, ids: Sequence[UUID], subscriptions: Sequence[str], note: str) -> int:
    """Store that events in no log were accepted by an operator; returns how many entries."""
    result = await tx.exec_driver_sql(_ACCEPT, (list(ids), list(subscriptions), note))
    return result.rowcount


async def flow(tx: Tx) -> Flow:
    """Counts that change between two calls if anything was published or entered in between."""
    row = (await tx.exec_driver_sql(_FLOW)).one()
    return Flow(row.sent, row.entered)


async def retained_from(tx: Tx) -> UUID:
    """The first id from which the inbox is certainly complete."""
    result = await tx.exec_driver_sql(
        "select messaging.first_id(inbox_from) from messaging.retention"
    )
    return UUID(str(result.scalar() or UUID(int=0)))


async def states_of(
    tx: Tx, subscriptions: Sequence[Subscription], events: Mapping[UUID, str]
) -> list[Found]:
    """This service's records of these events, given with their types."""
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


async def states_of_generation(
    tx: Tx, generation: Handlers, queue: str, events: Mapping[UUID, str]
) -> list[Found]:
    """The records of these events at the projection generation with this queue."""
    result = await tx.exec_driver_sql(
        _STATES_OF_GENERATION,
        (
            list(events),
            list(events.values()),
            list(generation.types),
            list(generation.handlers),
            generation.unreadable,
            queue,
        ),
    )
    return [Found(UUID(str(row.event_id)), row.state, row.late, row.note, row.by) for row in result]


async def about(tx: Tx, what: str, *, since: UUID, limit: int = 1000) -> list[str]:
    """Correlation ids of the traces in which this id occurs: as event, key, or in a payload."""
    result = await tx.exec_driver_sql(_ABOUT, (what, since, limit))
    return [row.correlation_id for row in result]


async def causal_trace(
    tx: Tx, correlation_ids: Sequence[str], *, since: UUID, limit: int = 5000
) -> list[TracedEvent]:
    """The events of these causal traces that were recorded here, in order."""
    result = await tx.exec_driver_sql(_CHAIN, (list(correlation_ids), since, limit))
    return [TracedEvent(**{**row, "id": UUID(str(row["id"]))}) for row in result.mappings()]


async def consumptions(tx: Tx, events: Sequence[UUID]) -> list[Consumption]:
    """The handlers of this service that have consumed these events, with the times."""
    result = await tx.exec_driver_sql(_CONSUMED, (list(events),))
    return [
        Consumption(**{**row, "event_id": UUID(str(row["event_id"]))}) for row in result.mappings()
    ]


@dataclass(slots=True)
class Line:
    """One owner's events at one subscriber."""

    expected: int = 0
    late: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    missing: list[UUID] = field(default_factory=list)
    discarded: list[Found] = field(default_factory=list)
    phantoms: list[Entered] = field(default_factory=list)
    """Consumed there and in no log: their owner was restored to an earlier state."""

    @property
    def adds_up(self) -> bool:
        """Whether every expected event is in exactly one state."""
        return sum(self.counts.values()) == self.expected


class Ledger:
    """Adds up one owner's events by subscriber."""

    def __init__(self) -> None:
        self._unsent: set[UUID] = set()
        self.recorded = 0
        self.without_subscribers = 0
        """Events without subscribers."""
        self.lines: dict[str, Line] = {}

    def expect(self, events: Iterable[Expected]) -> dict[str, dict[UUID, str]]:
        """Count a page of expected events; returns those to query and enter for each subscriber."""
        ask: dict[str, dict[UUID, str]] = {}
        self._unsent.clear()
        for event in events:
            if event.unsent:
                self._unsent.add(event.id)
            self.recorded += 1
            self.without_subscribers += not event.subscribers
            for subscriber in event.subscribers:
                self.lines.setdefault(subscriber, Line()).expected += 1
                ask.setdefault(subscriber, {})[event.id] = event.type
        return ask

    def enter(
        self,
        subscriber: str,
        asked: Mapping[UUID, str],
        found: Iterable[Found],
        *,
        behind_barrier: bool,
    ) -> None:
        """Enter a subscriber's response.

        Unless it is `behind_barrier`, events that it does not know may still be in flight.
        """
        line = self.lines[subscriber]
        answered: set[UUID] = set()
        for one in found:
            answered.add(one.id)
            state = one.state
            if state == "missing" and (not behind_barrier or one.id in self._unsent):
                state = "in flight"
            line.counts[state] += 1
            line.late += one.late
            if state == "missing":
                line.missing.append(one.id)
            if state == "discarded":
                line.discarded.append(one)
        # No handler of that type is left there, although the owner lists it as a subscriber.
        for id in asked.keys() - answered:
            line.counts["missing"] += 1
            line.missing.append(id)


def first_id(moment: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def row_of(one: Any) -> list[Any]:
    """A `Found` as the short list that is sent."""
    return [str(one.id), one.state, one.late, one.note, one.by]
