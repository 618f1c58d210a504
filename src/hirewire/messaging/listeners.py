"""Who hears a service's events, as its own database knows it."""

from collections.abc import Mapping, Sequence

import asyncpg

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
