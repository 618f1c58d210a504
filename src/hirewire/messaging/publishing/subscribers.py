"""The list of subscribers to a service's events, in its own database."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg

from hirewire.messaging.broker import Broker, QueueTopology
from hirewire.messaging.locks import lock_number
from hirewire.messaging.publishing import replay

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


async def write_subscribers(
    connection: asyncpg.Connection, subscribers: Mapping[str, Sequence[str]]
) -> None:
    """Store this list (event name -> services) in the caller's transaction.

    An event that the broker returns although it has subscribers stays unsent; one without
    subscribers counts as sent. The list stores since and until which transaction a service is a
    subscriber: the audit expects an event to be consumed by its subscribers at the time it was
    recorded. So the queues must be bound before this is called. Concurrent calls wait for each
    other's commit.
    """
    await connection.execute(_ALONE)
    pairs = [(event, service) for event, services in subscribers.items() for service in services]
    columns = [event for event, _ in pairs], [service for _, service in pairs]
    await connection.execute(_ENDED, *columns)
    await connection.execute(_BEGUN, *columns)


async def subscribed(connection: asyncpg.Connection, service: str) -> set[str]:
    """The events of this owner to which a service subscribes."""
    rows = await connection.fetch(
        "select type from messaging.listener where service = $1 and until is null", service
    )
    return {row["type"] for row in rows}


async def remove_subscriber(
    connection: asyncpg.Connection, owner: str, service: str, why: str
) -> None:
    """Remove a subscriber from one owner's list, and end the replays to it."""
    async with alone(connection, f"introduce {owner}"), connection.transaction():
        await connection.execute(_ALONE)
        await connection.execute(_LEFT, service)
        await connection.execute(_GIVEN_UP, service, why)


@asynccontextmanager
async def alone(connection: asyncpg.Connection, what: str) -> AsyncIterator[None]:
    """Lock the list in the connection's database."""
    lock = lock_number(what)
    await connection.execute("select pg_advisory_lock($1)", lock)
    try:
        yield
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.execute("select pg_advisory_unlock($1)", lock)


async def bind_with_history(
    connection: asyncpg.Connection,
    broker: Broker,
    *,
    owner: str,
    topology: QueueTopology,
    types: Sequence[str],
) -> None:
    """Bind a subscriber's queue to events that are new to it, and replay their past first.

    `connection` is the owner's, outside any transaction. The queue exists and is not bound to
    `types` yet, so the watermark published now precedes all of them. From now on the owner's relay
    publishes past events, and their end once the list of subscribers is stored in a transaction
    that calls `replay.release`. Raises `BrokerUnavailable` if the queue does not accept the
    watermark.
    """
    await replay.hold_history(connection, owner, broker, to=topology.service, types=types)
    await broker.declare([topology])
