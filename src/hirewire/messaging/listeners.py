"""Who hears a service's events, as its own database knows it."""

from collections.abc import Mapping, Sequence

import asyncpg


async def write_listeners(
    connection: asyncpg.Connection, listeners: Mapping[str, Sequence[str]]
) -> None:
    """Make this the list: event name -> services, inside the caller's transaction.

    An event that the broker returns although it is on the list stays unsent; one that nobody hears
    counts as sent.
    """
    await connection.execute("delete from messaging.listener")
    await connection.executemany(
        "insert into messaging.listener (type, service) values ($1, $2)",
        [(event, service) for event, services in listeners.items() for service in services],
    )
