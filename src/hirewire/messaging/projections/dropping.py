"""The end of a projection's generation: of one that was replaced, or given up while it was built.

It is done in steps, each of which may be interrupted; the same request again goes on. First nobody
can switch to it any more and its consumers end; then its owners, the broker and the tables forget
it. Its readers have ended by then.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import asyncpg

from hirewire.messaging.broker import Broker, QueueTopology
from hirewire.messaging.projections import generations
from hirewire.messaging.projections.generations import (
    Generation,
    NoSuchGeneration,
    ProjectionError,
)
from hirewire.messaging.publishing import subscribers
from hirewire.messaging.transaction import Transactions, Tx

WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.1

_DROPPING = "update messaging.generation set state = 'dropping' where number = any($1::integer[])"
_OLDER = """
select l.virtualxid || ' ' || l.pid as transaction, a.application_name as name
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'virtualxid' and l.granted and a.datname = current_database()
    and l.pid <> pg_backend_pid() and a.backend_type is distinct from 'autovacuum worker'
"""
_FORGET = (
    "delete from messaging.open_message where subscription = any($1::text[])",
    "delete from messaging.progress where subscription = any($1::text[])",
    "delete from messaging.pause where subscription = any($1::text[])",
    "delete from messaging.allowance where subscription = any($1::text[])",
)
_FORGET_QUEUE = (
    "delete from messaging.awaiting where queue = $1",
    "delete from messaging.replay_ended where queue = $1",
    "delete from messaging.handler where queue = $1",
)
_DROPPED = """
update messaging.generation set state = 'dropped', dropped_at = clock_timestamp() where number = $1
"""


class StillUsed(ProjectionError):
    """Somebody reads or consumes the generation still; the message says who."""


async def drop(
    transactions: Transactions,
    service: str,
    projection: str,
    *,
    owners: Mapping[str, asyncpg.Connection],
    broker: Broker,
    abandon: bool = False,
    whole: bool = False,
    wait: float = WAIT_SECONDS,
) -> list[Generation]:
    """Drop the retired generations of a projection, or (`abandon`) the one that is being built, or
    (`whole`) all of them with the live one, which nobody reads any more.

    Also what an earlier call has begun. `owners` are connections to the databases of all owners of
    its events, by their names. Returns what was dropped. Raises `NoSuchGeneration` if there is
    none, and `StillUsed` after `wait` seconds: try again.
    """
    first = owners[min(owners)]
    async with subscribers.alone(first, f"drop {service} {projection}"):
        state = "building" if abandon else "fed" if whole else "retired"
        found = await _take(transactions, projection, state)
        until = time.monotonic() + wait
        await _outlive_readers(transactions, projection, until)
        for generation in found:
            await _forget(transactions, service, generation, owners, broker, until)
    return found


async def _take(transactions: Transactions, projection: str, state: str) -> list[Generation]:
    """Let nobody switch to them any more, and their consumers end."""
    async with transactions() as tx:
        await generations.alone(tx, projection)
        rows = await generations.of(tx, projection)
        found = [
            row
            for row in rows
            if row.state in (state, "dropping") or (state == "fed" and row.is_fed)
        ]
        if not found:
            raise NoSuchGeneration(f"projection {projection}: no generation is {state}")
        await tx.exec_driver_sql(_DROPPING, ([row.number for row in found],))
    return found


async def _outlive_readers(transactions: Transactions, projection: str, until: float) -> None:
    """Wait for the transactions that are open now: each of them may have found the generation live.

    Those that begin later do not.
    """
    older: dict[str, str] | None = None
    while True:
        async with transactions() as tx:
            rows = await tx.exec_driver_sql(_OLDER)
            now = {row.transaction: row.name for row in rows}
        older = now if older is None else {one: older[one] for one in older.keys() & now.keys()}
        if not older:
            return
        if time.monotonic() > until:
            names = ", ".join(sorted({name or "?" for name in older.values()}))
            raise StillUsed(
                f"projection {projection}: transactions that began before are open still "
                f"({names}): give the command again later"
            )
        await asyncio.sleep(LOOK_SECONDS)


async def _forget(
    transactions: Transactions,
    service: str,
    generation: Generation,
    owners: Mapping[str, asyncpg.Connection],
    broker: Broker,
    until: float,
) -> None:
    subscriber = generation.subscriber(service)
    why = f"generation {generation.number} of {generation.projection} was dropped"
    for owner in sorted(owners):
        await subscribers.remove_subscriber(owners[owner], owner, subscriber, why)
    queue = generation.topology(service).queue
    await _outlive_consumers(generation, queue, broker, until)
    await broker.delete(queue)
    async with transactions() as tx:
        await generations.alone(tx, generation.projection)
        await tx.exec_driver_sql(f'drop schema if exists "{generation.schema}" cascade')
        await forget_messages(tx, service, generation)
        await tx.exec_driver_sql(_DROPPED, (generation.number,))


async def forget_messages(tx: Tx, service: str, generation: Generation) -> None:
    """Delete what is kept of its messages, but for the inbox, which forgets them in time."""
    names = [*generation.handlers, generation.unreadable]
    await _run(tx, _FORGET, names)
    await _run(tx, _FORGET_QUEUE, generation.topology(service).queue)


async def _run(tx: Tx, statements: Sequence[str], argument: object) -> None:
    for statement in statements:
        await tx.exec_driver_sql(statement, (argument,))


async def _outlive_consumers(
    generation: Generation, queue: str, broker: Broker, until: float
) -> None:
    """Let nothing come any more, and wait until no process consumes the queue: each ends its
    consumer within seconds.
    """
    await broker.declare([QueueTopology(queue, ())])
    while (await broker.stats(queue)).consumers:
        if time.monotonic() > until:
            raise StillUsed(
                f"projection {generation.projection}: a process consumes generation "
                f"{generation.number} still: give the command again later"
            )
        await asyncio.sleep(LOOK_SECONDS)
