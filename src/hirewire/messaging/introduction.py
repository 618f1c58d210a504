"""Introduces consumers before any service starts: queues, bindings, subscribers, projections."""

from collections.abc import Mapping, Sequence, Set
from contextlib import AsyncExitStack
from types import MappingProxyType

import asyncpg

from hirewire.messaging.broker import Broker, QueueTopology
from hirewire.messaging.event import EVENTS
from hirewire.messaging.projections import generations
from hirewire.messaging.publishing import replay
from hirewire.messaging.publishing.subscribers import (
    alone,
    bind_with_history,
    subscribed,
    write_subscribers,
)


async def introduce(
    broker: Broker,
    owners: Mapping[str, asyncpg.Connection],
    queues: Sequence[QueueTopology],
    *,
    past: Set[tuple[str, str]] = frozenset(),
    subscribers: Mapping[str, asyncpg.Connection] = MappingProxyType({}),
) -> None:
    """Declare all queues, and store the subscribers of each owner's events in its database.

    This runs before any service starts, so that events published before a subscriber's first start
    wait for it. `past` holds services and events: a service that is new to such an event is bound
    to it behind a watermark and consumes past events first. `subscribers` are the databases of
    services with projections: each generation consumes past events. Concurrent calls wait for each
    other; an interrupted one is called again and continues.
    """
    async with AsyncExitStack() as stack:
        for owner in sorted(owners):
            await stack.enter_async_context(alone(owners[owner], f"introduce {owner}"))
        fed = {name: await generations.to_introduce(subscribers[name]) for name in subscribers}
        more = [one.topology(name) for name, found in fed.items() for one in found]
        queues = [*queues, *more]
        past = past | {(queue.service, name) for queue in more for name in queue.types}
        new: set[tuple[str, str]] = set()
        for service, name in past:
            owner = EVENTS[name].owner
            if owner in owners and name not in await subscribed(owners[owner], service):
                new.add((service, name))
        await broker.declare([_without(queue, new) for queue in queues])
        for owner, connection in owners.items():
            await _introduce_to(broker, connection, owner, queues, new)
        for name, found in fed.items():
            await generations.note_introduced(subscribers[name], found)


async def _introduce_to(
    broker: Broker,
    connection: asyncpg.Connection,
    owner: str,
    queues: Sequence[QueueTopology],
    new: set[tuple[str, str]],
) -> None:
    """Store the subscribers of one owner's events; remove from `new` those with a low watermark."""
    subscribers: dict[str, list[str]] = {}
    for queue in queues:
        own = [name for name in queue.types if EVENTS[name].owner == owner]
        for name in own:
            subscribers.setdefault(name, []).append(queue.service)
        if types := [name for name in own if (queue.service, name) in new]:
            new -= {(queue.service, name) for name in types}
            bound = _without(queue, new)
            await bind_with_history(connection, broker, owner=owner, topology=bound, types=types)
    async with connection.transaction():
        await write_subscribers(connection, subscribers)
        await replay.release(connection)


def _without(queue: QueueTopology, left_out: Set[tuple[str, str]]) -> QueueTopology:
    types = tuple(name for name in queue.types if (queue.service, name) not in left_out)
    return QueueTopology(queue.queue, types)
