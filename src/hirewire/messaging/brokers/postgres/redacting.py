"""Replaces bodies of messages that wait in a queue, perhaps of a service that is away."""

import asyncpg

from hirewire.messaging.broker import Redaction, event_of

_FOUND = """
select queue, position, type, body from broker.message
where position(convert_to($1, 'UTF8') in body) > 0 for update skip locked
"""
_REPLACE = "update broker.message set body = $3 where queue = $1 and position = $2"


async def redact(connection: asyncpg.Connection, text: str, redaction: Redaction) -> int:
    """Redact the messages of all queues whose bodies contain this text; returns how many."""
    async with connection.transaction():
        if not await connection.fetchval("select to_regclass('broker.message') is not null"):
            return 0
        replaced = [
            (row["queue"], row["position"], body)
            for row in await connection.fetch(_FOUND, text)
            if (body := redaction(event_of(row["type"]), row["body"])) is not None
        ]
        await connection.executemany(_REPLACE, replaced)
    return len(replaced)
