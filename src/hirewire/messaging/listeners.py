"""Who hears a service's events, as its own database knows it."""

from collections.abc import Mapping, Sequence, Set

import asyncpg

from hirewire.messaging import handover, jobs
from hirewire.messaging.broker import Broker, BrokerUnavailable, Outcome, QueueTopology
from hirewire.messaging.event import EVENTS
from hirewire.messaging.ids import new_id

_ENDED = """
update messaging.listener l set until = pg_current_xact_id()
where until is null and not exists (
    select from unnest($1::text[], $2::text[]) as n(type, service)
    where n.type = l.type and n.service = l.service)
"""
_BEGUN = """
insert into messaging.listener (type, service)
select type, service from unnest($1::text[], $2::text[]) as n(type, service)
where not exists (select from messaging.listener l
    where l.type = n.type and l.service = n.service and l.until is null)
"""


async def write_listeners(
    connection: asyncpg.Connection, listeners: Mapping[str, Sequence[str]]
) -> None:
    """Make this the list: event name -> services, inside the caller's transaction.

    An event that the broker returns although it is on the list stays unsent; one that nobody hears
    counts as sent. The list remembers since which transaction, and until which, somebody is on it:
    the audit expects an event to be heard by those who were listening when it was recorded. So the
    queues are bound before their listeners are written, and this is called after that.
    """
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
) -> None:
    """Declare all queues, and write into each owner's database who hears its events.

    Comes before any service starts, so that what is published before a listener's very first start
    waits for it. `past` are services and events: such a service, when it is new to the event, is
    bound to it behind a mark, and hears the past first.
    """
    new: set[tuple[str, str]] = set()
    for service, name in past:
        owner = EVENTS[name].owner
        if owner in owners and name not in await listened(owners[owner], service):
            new.add((service, name))
    await broker.declare([_without(queue, new) for queue in queues])
    for owner, connection in owners.items():
        hearers: dict[str, list[str]] = {}
        async with connection.transaction():
            for queue in queues:
                own = [name for name in queue.types if EVENTS[name].owner == owner]
                for name in own:
                    hearers.setdefault(name, []).append(queue.service)
                if types := [name for name in own if (queue.service, name) in new]:
                    new -= {(queue.service, name) for name in types}
                    bound = _without(queue, new)
                    await welcome(connection, broker, owner=owner, topology=bound, types=types)
            await write_listeners(connection, hearers)


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

    `connection` is the owner's, in a transaction that also writes the list of listeners. The queue
    is there and not bound to `types` yet: the mark that is sent now comes before all of them.
    Raises `BrokerUnavailable` when the queue does not take it.
    """
    job = new_id()
    mark = handover.mark_message(owner, topology.service, handover.begin_mark(job, types))
    if list(await broker.publish([mark])) != [Outcome.CONFIRMED]:
        raise BrokerUnavailable(f"{topology.queue} is not there")
    await broker.declare([topology])
    await jobs.file_history(connection, job, topology.service, list(types))
