"""Drops generations of a projection: replaced ones, or one abandoned while it was being built.

Each step may be interrupted; the same request given again continues. First, switches to the
generation are prevented and its consumers end. Then its owners, the broker and the tables delete
it; its readers have ended by then.
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
    """The generation is still read or consumed; the message says by whom."""


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
    """Drop the retired generations of a projection.

    With `abandon`, drop the one that is being built; with `whole`, all of them including the live
    one, which must have no readers. Interrupted calls are completed too. `owners` are connections
    to the databases of all owners of its events, by name. Returns the dropped generations. Raises
    `NoSuchGeneration` if there is none, and `StillUsed` after `wait` seconds: try again.
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
    """Prevent switches to them, and end their consumers."""
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
    """Wait for the currently open transactions, each of which may read the generation.

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
    """Delete its stored messages; retention deletes its inbox entries later."""
    names = [*generation.handlers, generation.unreadable]
    await _run(tx, _FORGET, names)
    await _run(tx, _FORGET_QUEUE, generation.topology(service).queue)


async def _run(tx: Tx, statements: Sequence[str], argument: object) -> None:
    for statement in statements:
        await tx.exec_driver_sql(statement, (argument,))


async def _outlive_consumers(
    generation: Generation, queue: str, broker: Broker, until: float
) -> None:
    """Stop its events, and wait until no process consumes the queue.

    Each process ends its consumer within seconds.
    """
    await broker.declare([QueueTopology(queue, ())])
    while (await broker.stats(queue)).consumers:
        if time.monotonic() > until:
            raise StillUsed(
                f"projection {generation.projection}: a process consumes generation "
                f"{generation.number} still: give the command again later"
            )
        await asyncio.sleep(LOOK_SECONDS)
