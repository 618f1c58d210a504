"""Puts messages into all queues bound to them, in one transaction."""

import json
from collections.abc import Sequence

import asyncpg

from hirewire.messaging.background import describe
from hirewire.messaging.broker import BrokerUnavailable, Message, Outcome

CHANNEL = "hirewire_broker"
"""The channel that announces new messages in a queue."""
_UNWRITABLE = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, ValueError)
"""Errors caused by a single message."""

# Positions are drawn in the order of the array: within a batch, order is kept.
_PUBLISH = r"""
with published as (
    insert into broker.message (queue, type, body, headers)
    select b.queue, m.type, m.body, m.headers
    from unnest($1::text[], $2::bytea[], $3::json[]) with ordinality as m(type, body, headers, nth)
    join broker.binding b on b.type in (
        m.type, substring(m.type from '^(?:to\.[^.]+|part\.[^.]+\.[0-9]+)\.') || '#')
    order by m.nth
    returning queue, type
)
select type, pg_notify($4, queue) from (select distinct queue, type from published) p
"""
_BOUND = r"""
select distinct k.key from unnest($1::text[]) as k(key) join broker.binding b
    on b.type in (k.key, substring(k.key from '^(?:to\.[^.]+|part\.[^.]+\.[0-9]+)\.') || '#')
"""


async def publish_all(
    connection: asyncpg.Connection, messages: Sequence[Message], missed: set[str]
) -> list[Outcome]:
    """Publish in one transaction; after an error, in halves to find the message that failed.

    `missed` holds the keys of messages that were not accepted: later ones are not published.
    """
    held_back = [message.key in missed for message in messages]
    rest = [m for m, held in zip(messages, held_back, strict=True) if not held]
    missed_before = set(missed)
    try:
        outcomes = await _publish_together(connection, rest, missed)
    except _UNWRITABLE as error:
        missed.clear()
        missed.update(missed_before)
        if len(rest) == 1:
            rest[0].refusal = describe(error)
            missed.add(rest[0].key)
            outcomes = [Outcome.REFUSED]
        else:
            middle = len(rest) // 2
            outcomes = await publish_all(connection, rest[:middle], missed)
            outcomes += await publish_all(connection, rest[middle:], missed)
    found = iter(outcomes)
    return [Outcome.HELD_BACK if held else next(found) for held in held_back]


async def _publish_together(
    connection: asyncpg.Connection, messages: Sequence[Message], missed: set[str]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    taken: list[Message] = []
    async with connection.transaction():
        keys = sorted({message.routing_key for message in messages})
        bound = {row["key"] for row in await connection.fetch(_BOUND, keys)}
        for message in messages:
            if message.key in missed:
                outcomes.append(Outcome.HELD_BACK)
            elif message.routing_key in bound:
                taken.append(message)
                outcomes.append(Outcome.CONFIRMED)
            elif message.mandatory:
                missed.add(message.key)
                outcomes.append(Outcome.UNROUTABLE)
            else:
                outcomes.append(Outcome.CONFIRMED)
        if taken:
            rows = await connection.fetch(
                _PUBLISH,
                [m.routing_key for m in taken],
                [m.body for m in taken],
                [_stored_headers(m) for m in taken],
                CHANNEL,
            )
            if {row["type"] for row in rows} != {m.routing_key for m in taken}:
                raise BrokerUnavailable("a queue has gone while it was published to")
    return outcomes


def _stored_headers(message: Message) -> str:
    stored = dict(message.headers) | {"message_id": message.id}
    return json.dumps(stored, ensure_ascii=False)
