"""The lineage of a service's database: its epochs, one for each restore or failover.

A dump restored on another server, a promoted standby and a restore to an earlier time have two
things in common: stored transaction ids lose their meaning, and sequence numbers may be used a
second time. So the database stores its identity, and when that has changed, its epoch is raised.
Transaction ids are compared within one epoch only; subscribers order a key's events by epoch and
sequence.
"""

import asyncio
from dataclasses import dataclass

import asyncpg
import structlog

from hirewire.messaging.database import connect
from hirewire.messaging.locks import lock_number

log = structlog.get_logger(__name__)

LOCK_TIMEOUT = "2s"
"""Longest time for which a raise may block the log; after that it is tried again later."""
TRIES = 30

_PARTS = {
    "system_id": "another server",
    "database_id": "another database of the server",
    "table_id": "a dump restored into the same database",
    "timeline": "another timeline: a promoted standby, or a restore to an earlier time",
}
_CURRENT = """
select epoch, system_id, database_id, table_id, timeline from messaging.lineage
order by epoch desc limit 1
"""
_ADOPT = """
insert into messaging.lineage (epoch, system_id, database_id, table_id, timeline, why)
select $1, i.system_id, i.database_id, i.table_id, i.timeline, $2 from messaging.identity() i
on conflict (epoch) do update set system_id = excluded.system_id,
    database_id = excluded.database_id, table_id = excluded.table_id, timeline = excluded.timeline
"""
# One dump may be restored twice, independently. So the new epoch is not the next number, but one
# that no earlier epoch can have had. 23 bits hold 80 years of five minutes.
_NEXT_EPOCH = """
select greatest($1 + 1, floor(extract(epoch from
    clock_timestamp() - timestamptz '2026-01-01 00:00Z') / 300)::integer)
"""
_UNUSED = """
select (select last_value = 1 from messaging.position)
    and not exists (select from messaging.inbox) and not exists (select from messaging.progress)
"""
# For a database that stored no lineage yet: numbers that its server has not reached come from
# another server.
_AHEAD = """
select exists (
    select from (select xact from messaging.log order by position desc limit 1000) l
    where l.xact >= pg_snapshot_xmax(pg_current_snapshot()))
or exists (select from messaging.listener where since >= pg_snapshot_xmax(pg_current_snapshot()))
"""
_RAISE_UNSENT = """
update messaging.log set epoch = $1, xact = pg_current_xact_id()
where id in (select id from messaging.outbox)
"""
_RENEW_OUTBOX = "update messaging.outbox set xact = pg_current_xact_id()"
_RESTART_REPLAYS = """
update messaging.job set snapshot = null, pass_snapshot = null, pass_position = null, total = null,
    done = 0, announced = false
where state = 'open' and kind in ('replay', 'repair')
"""
_FORGET = (
    "delete from messaging.awaiting",
    "delete from messaging.fence where published_at is null",
)


class InRecovery(Exception):
    """The server is a standby: nothing is published from it, and its lineage is not adopted."""


class RelayRuns(Exception):
    """A relay is active: the epoch must not be raised by hand at the same time."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The epoch of a database, and the effects of raising it."""

    epoch: int
    raised: str | None = None
    """The reason why it was raised just now; None if it was not."""
    unsent: int = 0
    """The number of unsent events moved to the new epoch."""
    restarted: int = 0
    """The number of replays and repairs that start again."""

    def __str__(self) -> str:
        if self.raised is None:
            return f"epoch {self.epoch}"
        return (
            f"epoch raised to {self.epoch} ({self.raised}): {self.unsent} unsent events belong to "
            f"it, {self.restarted} replays and repairs begin again"
        )


async def adopt(connection: asyncpg.Connection) -> Adopted:
    """Compare the database with its stored identity, and raise its epoch if they differ.

    Concurrent calls wait for each other. Raises `InRecovery`, and `asyncpg.LockNotAvailableError`
    if transactions or a dump hold the log's table for too long.
    """
    if await connection.fetchval("select pg_is_in_recovery()"):
        raise InRecovery("the database server is a standby")
    current = await connection.fetchrow(_CURRENT)
    if current is not None and await _change(connection, current) is None:
        return Adopted(current["epoch"])
    async with connection.transaction():
        await _lock(connection)
        current = await connection.fetchrow(_CURRENT)
        if current is None:
            if await connection.fetchval(_AHEAD):
                await connection.execute(_ADOPT, 0, "before lineages were known")
                return await _raise(connection, 0, "transaction ids of another server")
            await connection.execute(_ADOPT, 0, "first look")
            return Adopted(0)
        change = await _change(connection, current)
        if change is None:
            return Adopted(current["epoch"])
        if await connection.fetchval(_UNUSED):
            await connection.execute(_ADOPT, current["epoch"], "unused so far")
            return Adopted(current["epoch"])
        return await _raise(connection, current["epoch"], change)


async def adopt_at(url: str) -> Adopted:
    """`adopt` the database at this address; its log is locked briefly."""
    connection = await connect(url, application="hirewire migrate")
    try:
        for _ in range(TRIES):
            try:
                return await adopt(connection)
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(1)
        return await adopt(connection)
    finally:
        await connection.close()


async def raise_by_hand(connection: asyncpg.Connection, service: str, why: str) -> Adopted:
    """Raise the epoch after a change that no identity shows: files copied back in place.

    Raises `RelayRuns` while the service is publishing.
    """
    await adopt(connection)
    async with connection.transaction():
        if not await connection.fetchval(
            "select pg_try_advisory_xact_lock($1)", lock_number(f"relay {service}")
        ):
            raise RelayRuns(f"{service} runs: stop it first")
        await _lock(connection)
        return await _raise(connection, await current_epoch(connection), why)


async def current_epoch(connection: asyncpg.Connection) -> int:
    """The stored epoch; 0 before the first check."""
    found: int = await connection.fetchval("select coalesce(max(epoch), 0) from messaging.lineage")
    return found


async def _lock(connection: asyncpg.Connection) -> None:
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("lineage"))
    await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")


async def _change(connection: asyncpg.Connection, noted: asyncpg.Record) -> str | None:
    """A description of the most significant difference from the stored identity.

    Parts that are unknown on either side are not compared.
    """
    now = await connection.fetchrow("select * from messaging.identity()")
    assert now is not None
    changes = (
        f"{words}, {now[part]} instead of {noted[part]}"
        for part, words in _PARTS.items()
        if None not in (now[part], noted[part]) and now[part] != noted[part]
    )
    return next(changes, None)


async def _raise(connection: asyncpg.Connection, noted: int, why: str) -> Adopted:
    """Raise the epoch above `noted`, in the caller's transaction.

    The lock on the log separates events recorded before, whose epoch is raised if they are unsent,
    from those recorded later, which get the new epoch as the column's default.
    """
    epoch: int = await connection.fetchval(_NEXT_EPOCH, noted)
    await connection.execute(
        f"alter table only messaging.log alter column epoch set default {epoch:d}"
    )
    await connection.execute(
        f"alter table messaging.listener alter column since_epoch set default {epoch:d}"
    )
    await connection.execute(_ADOPT, epoch, why)
    unsent = _count(await connection.execute(_RAISE_UNSENT, epoch))
    await connection.execute(_RENEW_OUTBOX)
    restarted = _count(await connection.execute(_RESTART_REPLAYS))
    for statement in _FORGET:
        await connection.execute(statement)
    adopted = Adopted(epoch, why, unsent, restarted)
    log.warning(
        "epoch raised", epoch=epoch, reason=why, unsent=unsent, restarted_requests=restarted
    )
    return adopted


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
