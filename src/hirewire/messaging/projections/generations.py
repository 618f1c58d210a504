"""Projections: tables of a service that event handlers fill, and that can be rebuilt.

Each build of a projection is a new *generation* with its own schema, queue, handlers and inbox
entries. So a new generation consumes past events in order while the live one continues, and a
switch makes it the one that is read. Nothing of an abandoned build can return, since the number of
a generation is never reused.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from hirewire.messaging.broker import QueueTopology, queue_of
from hirewire.messaging.event import EVENTS
from hirewire.messaging.locks import lock_number
from hirewire.messaging.reconciliation.cutover import Watermark
from hirewire.messaging.subscriptions import UNREADABLE, Subscription
from hirewire.messaging.transaction import Tx

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COLUMNS = """
number, projection, version, state, handlers, types, caught_up, switch_when_ready, started_at,
started_by, introduced_at, switched_at, switched_by, dropped_at
"""
_OF = f"select {_COLUMNS} from messaging.generation where projection = $1 order by number"  # noqa: S608
_LOG_BEGINS = """
select log_from from messaging.retention
where log_from > (select min(since) from messaging.lineage)
"""
_ALL = f"select {_COLUMNS} from messaging.generation order by projection, number"  # noqa: S608
_FED = f"""
select {_COLUMNS} from messaging.generation where state in ('building', 'live', 'retired')
order by number
"""  # noqa: S608
_LIVE = f"""
select {_COLUMNS} from messaging.generation where projection = $1 and state = 'live'
"""  # noqa: S608
_BY_NUMBER = f"select {_COLUMNS} from messaging.generation where number = $1"  # noqa: S608
# There may be queues of another epoch of this database, which it does not know: their numbers are
# below those of this epoch.
_NEXT_NUMBER = """
select setval(s.name, greatest(nextval(s.name), 100 * (
    select coalesce(max(epoch), 0) from messaging.lineage)::bigint))::integer
from pg_get_serial_sequence('messaging.generation', 'number') as s(name)
"""
_START = f"""
insert into messaging.generation (number, projection, version, state, handlers, types, started_by,
    switch_when_ready, switched_at, switched_by)
overriding system value
values ($1, $2, $3, $4, $5::text[], $6::text[], $7, $8,
    case when $4 = 'live' then clock_timestamp() end, case when $4 = 'live' then $7 end)
returning {_COLUMNS}
"""  # noqa: S608
# A high watermark of an earlier attempt does not end its replay and is ignored.
_CAUGHT_UP = """
update messaging.generation g set caught_up = array(
    select distinct t from unnest(g.caught_up || $2::text[]) as u(t)
    where t = any(g.caught_up) or not exists (
        select from messaging.awaiting a where a.queue = $3 and a.type = t))
where number = $1
"""
_INTRODUCED = """
update messaging.generation set introduced_at = clock_timestamp()
where number = any($1::integer[]) and introduced_at is null
"""


class ProjectionError(Exception):
    """The request is not possible; the message names the projection and the reason."""


class NoSuchGeneration(ProjectionError):
    """The projection has no generation in that state."""


class AlreadyBuilding(ProjectionError):
    """Another version of the projection is being built."""


class NotCaughtUp(ProjectionError):
    """The generation has not handled everything that the live one has. A later try may succeed."""


class OpenMessages(ProjectionError):
    """Messages of the generation are retrying, waiting or dead."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A projection as the program declares it: one version of its tables and handlers.

    `subscribe` gets the name of a schema and returns the handlers that write to its tables; it is
    called for each generation, and once with a name that is no schema. `create` creates the tables
    in a new, empty schema. Raise the version when the tables or the events change, and keep the
    former version beside it until the live generation has the new one.
    """

    name: str
    version: int
    create: Callable[[Tx, str], Awaitable[None]]
    subscribe: Callable[[str], Sequence[Subscription]]

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"projection {self.name!r}: name: a-z, 0-9 and _, at most 40")
        if self.version < 1:
            raise ValueError(f"projection {self.name}: version: at least 1")
        found = self._subscriptions()
        names = [one.name for one in found]
        if not found or len(set(names)) < len(names):
            raise ValueError(f"projection {self.name}: subscribe: handlers of different names")
        for one in found:
            if "@" in one.name:
                raise ValueError(f"projection {self.name}: {one.name}: a name has no @")
            if one.limited:
                raise ValueError(f"projection {self.name}: {one.name}: has a rate or concurrency")

    def _subscriptions(self) -> Sequence[Subscription]:
        return self.subscribe("no_schema")

    @property
    def types(self) -> list[str]:
        """The events it consumes."""
        return sorted({one.event.name for one in self._subscriptions()})


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of a projection, as stored in its row."""

    number: int
    projection: str
    version: int
    state: str
    """building, live, retired (was live, still updated), dropping, or dropped."""
    handlers: Sequence[str]
    types: Sequence[str]
    """The event of each handler, in the same order."""
    caught_up: Sequence[str]
    switch_when_ready: bool
    started_at: datetime
    started_by: str
    introduced_at: datetime | None
    """When its owners knew it, and its queue existed with a watermark at its start."""
    switched_at: datetime | None
    switched_by: str | None
    dropped_at: datetime | None

    @property
    def schema(self) -> str:
        """The schema with its tables."""
        return f"{self.projection}_{self.number}"

    @property
    def is_fed(self) -> bool:
        """Whether it consumes events."""
        return self.state in ("building", "live", "retired")

    @property
    def unreadable(self) -> str:
        """Placeholder handler for unreadable messages."""
        return f"{UNREADABLE}@{self.number}"

    @property
    def past_to_come(self) -> list[str]:
        """Events whose past it has not fully consumed."""
        return sorted(set(self.types) - set(self.caught_up))

    def subscriber(self, service: str) -> str:
        """Its name for the owners of its events and for the broker."""
        return f"{service}@{self.projection}-{self.number}"

    def topology(self, service: str) -> QueueTopology:
        """Its queue."""
        return QueueTopology(queue_of(self.subscriber(service)), tuple(sorted(set(self.types))))


def handlers_of(projection: Projection, generation: Generation) -> list[Subscription]:
    """The handlers of one generation. Raises `ProjectionError` if it was started with others."""
    found = [
        replace(one, name=f"{one.name}@{generation.number}")
        for one in projection.subscribe(generation.schema)
    ]
    started_with = dict(zip(generation.handlers, generation.types, strict=True))
    if {one.name: one.event.name for one in found} != started_with:
        raise ProjectionError(
            f"projection {projection.name}: version {projection.version} has other handlers than "
            f"generation {generation.number} was started with: raise its version"
        )
    return found


async def start(
    tx: Tx, projection: Projection, *, by: str = "", switch_when_ready: bool = False
) -> tuple[Generation, bool]:
    """Begin a new generation: live if it is the first one, otherwise built beside the live one.

    It consumes nothing before `introduce` has created its queue and its subscription. Called again
    while it is being built, it returns the same generation. Returns it, and whether it is new.
    Raises `AlreadyBuilding`.
    """
    await alone(tx, projection.name)
    rows = await of(tx, projection.name)
    if (building := in_state(rows, "building")) is not None:
        if building.version == projection.version:
            return building, False
        raise AlreadyBuilding(
            f"projection {projection.name}: generation {building.number} of version "
            f"{building.version} is being built: switch to it, or abandon it"
        )
    await tx.exec_driver_sql("lock table messaging.generation in share row exclusive mode")
    number = (await tx.exec_driver_sql(_NEXT_NUMBER)).scalar_one()
    handlers = projection.subscribe(f"{projection.name}_{number}")
    columns = (
        number,
        projection.name,
        projection.version,
        "live" if in_state(rows, "live") is None else "building",
        [f"{one.name}@{number}" for one in handlers],
        [one.event.name for one in handlers],
        by,
        switch_when_ready,
    )
    made = _generation((await tx.exec_driver_sql(_START, columns)).one())
    await tx.exec_driver_sql(f'create schema "{made.schema}"')
    await projection.create(tx, made.schema)
    return made, True


async def live(tx: Tx, projection: str) -> Generation:
    """The generation to read in this transaction: its tables are in its `schema`.

    Raises `NoSuchGeneration` if the projection was never started.
    """
    row = (await tx.exec_driver_sql(_LIVE, (projection,))).first()
    if row is None:
        raise NoSuchGeneration(f"projection {projection}: it was never started")
    return _generation(row)


async def all_of(tx: Tx) -> list[Generation]:
    """Every generation of every projection, including dropped ones."""
    return [_generation(row) for row in await tx.exec_driver_sql(_ALL)]


async def of(tx: Tx, projection: str) -> list[Generation]:
    """Every generation of a projection, oldest first."""
    return [_generation(row) for row in await tx.exec_driver_sql(_OF, (projection,))]


async def fed(tx: Tx) -> list[Generation]:
    """The generations that consume events."""
    return [_generation(row) for row in await tx.exec_driver_sql(_FED)]


async def find(tx: Tx, number: int) -> Generation | None:
    """One generation."""
    row = (await tx.exec_driver_sql(_BY_NUMBER, (number,))).first()
    return _generation(row) if row is not None else None


async def handlers_of_owner(tx: Tx, owner: str) -> list[str]:
    """The handlers of an owner's events in the generations that consume events."""
    return [
        name
        for generation in await fed(tx)
        for name, type in zip(generation.handlers, generation.types, strict=True)
        if type in EVENTS and EVENTS[type].owner == owner
    ]


async def to_introduce(connection: asyncpg.Connection) -> list[Generation]:
    """The generations that consume events, from a plain connection to the database."""
    return [_generation(row) for row in await connection.fetch(_FED)]


async def note_introduced(
    connection: asyncpg.Connection, generations: Sequence[Generation]
) -> None:
    """Allow these to be consumed.

    Earlier, a consumer would bind its queue to live events, which would arrive before past ones.
    """
    await connection.execute(_INTRODUCED, [generation.number for generation in generations])


async def log_begins(owner: asyncpg.Connection) -> datetime | None:
    """The time since which an owner's log is complete; None if it has every event."""
    found: datetime | None = await owner.fetchval(_LOG_BEGINS)
    return found


async def note_watermarks(
    tx: Tx, generation: Generation, queue: str, watermarks: Sequence[Watermark]
) -> None:
    """Store for which events all past ones have arrived, once their watermarks are entered."""
    ended = sorted(
        {type for watermark in watermarks if watermark.edge == "end" for type in watermark.types}
    )
    if ended:
        await tx.exec_driver_sql(_CAUGHT_UP, (generation.number, ended, queue))


async def alone(tx: Tx, projection: str) -> None:
    """Lock the projection: no other start, switch or drop runs at the same time."""
    await tx.exec_driver_sql(
        "select pg_advisory_xact_lock($1)", (lock_number(f"projection {projection}"),)
    )


def in_state(rows: Sequence[Generation], state: str) -> Generation | None:
    """The generation in this state."""
    return next((row for row in rows if row.state == state), None)


def _generation(row: Any) -> Generation:
    values = dict(row) if isinstance(row, asyncpg.Record) else dict(row._mapping)
    return Generation(**values)
