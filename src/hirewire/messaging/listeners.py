"""Who hears a service's events, as its own database knows it."""

from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import MappingProxyType

import asyncpg

from hirewire.messaging import projections, replay
from hirewire.messaging.broker import Broker, QueueTopology
from hirewire.messaging.event import EVENTS
from hirewire.messaging.relay import lock_number

_ALONE = "lock table messaging.listener in share row exclusive mode"

_ENDED = """
update messaging.listener l set until = pg_current_xact_id()
where until is null and not exists (
    select from unnest($1::text[], $2::text[]) as n(type, service)
    where n.type = l.type and n.service = l.service)
"""
_LEFT = """
update messaging.listener set until = pg_current_xact_id() where service = $1 and until is null
"""
_GIVEN_UP = """
update messaging.job set state = 'failed', outcome = $2, finished_at = clock_timestamp()
where state = 'open' and asked ->> 'to' = $1
"""
_BEGUN = """
insert into messaging.listener (type, service)
select distinct type, service from unnest($1::text[], $2::text[]) as n(type, service)
where not exists (select from messaging.listener l
    where l.type = n.type and l.service = n.service and l.until is null)
on conflict (type, service) where until is null do nothing
"""


async def write_listeners(
    connection: asyncpg.Connection, listeners: Mapping[str, Sequence[str]]
) -> None:
    """Make this the list: event name -> services, inside the caller's transaction.

    An event that the broker returns although it is on the list stays unsent; one that nobody hears
    counts as sent. The list remembers since which transaction, and until which, somebody is on it:
    the audit expects an event to be heard by those who were listening when it was recorded. So the
    queues are bound before their listeners are written, and this is called after that. Several at
    once wait for each other's commit.
    """
    await connection.execute(_ALONE)
    pairs = [(event, service) for event, services in listeners.items() for service in services]
    columns = [event for event, _ in pairs], [service for _, service in pairs]
    await connection.execute(_ENDED, *columns)
    await connection.execute(_BEGUN, *columns)


async def listened(connection: asyncpg.Connection, service: str) -> set[str]:
    """The events of this owner for which a service is on the list."""
    rows = await connection.fetch(
        "select type from messaging.listener where service = $1 and until is null", service
    )
    return {row["type"] for row in rows}


async def introduce(
    broker: Broker,
    owners: Mapping[str, asyncpg.Connection],
    queues: Sequence[QueueTopology],
    *,
    past: Set[tuple[str, str]] = frozenset(),
    subscribers: Mapping[str, asyncpg.Connection] = MappingProxyType({}),
) -> None:
    """Declare all queues, and write into each owner's database who hears its events.

    Comes before any service starts, so that what is published before a listener's very first start
    waits for it. `past` are services and events: such a service, when it is new to the event, is
    bound to it behind a mark, and hears the past first. `subscribers` are the databases of
    services that have projections: every generation of these hears the past.

    Several at once wait for each other; one that was interrupted is called again and goes on.
    """
    async with AsyncExitStack() as stack:
        for owner in sorted(owners):
            await stack.enter_async_context(alone(owners[owner], f"introduce {owner}"))
        fed = {name: await projections.to_introduce(subscribers[name]) for name in subscribers}
        more = [one.topology(name) for name, found in fed.items() for one in found]
        queues = [*queues, *more]
        past = past | {(queue.service, name) for queue in more for name in queue.types}
        new: set[tuple[str, str]] = set()
        for service, name in past:
            owner = EVENTS[name].owner
            if owner in owners and name not in await listened(owners[owner], service):
                new.add((service, name))
        await broker.declare([_without(queue, new) for queue in queues])
        for owner, connection in owners.items():
            await _introduce_to(broker, connection, owner, queues, new)
        for name, found in fed.items():
            await projections.note_introduced(subscribers[name], found)


async def dismiss(connection: asyncpg.Connection, owner: str, service: str, why: str) -> None:
    """Take a subscriber off the list of one owner, and end what is being sent to it alone."""
    async with alone(connection, f"introduce {owner}"), connection.transaction():
        await connection.execute(_ALONE)
        await connection.execute(_LEFT, service)
        await connection.execute(_GIVEN_UP, service, why)


async def _introduce_to(
    broker: Broker,
    connection: asyncpg.Connection,
    owner: str,
    queues: Sequence[QueueTopology],
    new: set[tuple[str, str]],
) -> None:
    """Write who hears one owner's events, and take away from `new` who has been welcomed."""
    hearers: dict[str, list[str]] = {}
    for queue in queues:
        own = [name for name in queue.types if EVENTS[name].owner == owner]
        for name in own:
            hearers.setdefault(name, []).append(queue.service)
        if types := [name for name in own if (queue.service, name) in new]:
            new -= {(queue.service, name) for name in types}
            bound = _without(queue, new)
            await welcome(connection, broker, owner=owner, topology=bound, types=types)
    async with connection.transaction():
        await write_listeners(connection, hearers)
        await replay.release(connection)


@asynccontextmanager
async def alone(connection: asyncpg.Connection, what: str) -> AsyncIterator[None]:
    """Nobody else does this in the connection's database meanwhile."""
    lock = lock_number(what)
    await connection.execute("select pg_advisory_lock($1)", lock)
    try:
        yield
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.execute("select pg_advisory_unlock($1)", lock)


def _without(queue: QueueTopology, left_out: Set[tuple[str, str]]) -> QueueTopology:
    types = tuple(name for name in queue.types if (queue.service, name) not in left_out)
    return QueueTopology(queue.queue, types)


async def welcome(
    connection: asyncpg.Connection,
    broker: Broker,
    *,
    owner: str,
    topology: QueueTopology,
    types: Sequence[str],
) -> None:
    """Bind a listener's queue to events that are new to it, the past of which it is to hear first.

    `connection` is the owner's, outside any transaction. The queue is there and not bound to
    `types` yet: the mark that is sent now comes before all of them. The owner's relay sends the
    past from now on, and its end once the list of listeners is written, in a transaction that
    calls `replay.release`. Raises `BrokerUnavailable` when the queue does not take the mark.
    """
    await replay.hold_history(connection, owner, broker, to=topology.service, types=types)
    await broker.declare([topology])
