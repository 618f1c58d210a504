"""The switch from the live generation of a projection to another one, with its conditions."""

import asyncio
import time
from collections.abc import Sequence

import asyncpg

from hirewire.messaging.database import cause_of
from hirewire.messaging.envelope import source_of
from hirewire.messaging.event import EVENTS
from hirewire.messaging.projections.generations import (
    Generation,
    NoSuchGeneration,
    NotCaughtUp,
    OpenMessages,
    alone,
    find,
    in_state,
    of,
)
from hirewire.messaging.transaction import Transactions, Tx

SWITCH_SECONDS = 10.0
"""Longest time for which a switch blocks writes to the live generation."""
LOOK_SECONDS = 0.02
NEARLY = 100
"""Keys by which the new generation may lag before writes to the live one are blocked."""
SHOWN = 5
"""Unresolved messages that an error lists."""

_AWAITED = "select distinct type from messaging.awaiting where queue = $1 order by type"
_OPEN = """
select event_id, subscription, state, count(*) over () as number
from messaging.open_message
where subscription = any($1::text[]) and state in ('retrying', 'waiting', 'dead')
    and closing is null
order by state <> 'dead', arrival limit $2
"""
# Keys in which the live generation is ahead of the other, of the events that both consume, from
# their owners. Progress from before the start was in the log and has been replayed. Discarded
# messages do not count.
_BEHIND = """
select count(*) from unnest($1::text[], $2::text[]) as o(name, type)
join unnest($3::text[], $4::text[], $5::text[]) as n(name, type, source) on n.type = o.type
join messaging.progress p on p.subscription = o.name and p.source = n.source
left join messaging.progress q
    on q.subscription = n.name and q.source = p.source and q.key = p.key
where p.moved_on >= $6::timestamptz::date - 1 and p.sequence is not null
    and coalesce(q.sequence, 0) < p.sequence and not ($7::boolean and coalesce(q.open, 0) > 0)
    and not exists (select from messaging.open_message d
        where d.subscription = n.name and d.source = p.source and d.key = p.key
            and d.state = 'discarded' and d.sequence >= p.sequence)
"""
_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'p') order by c.oid
"""
_RETIRE = "update messaging.generation set state = 'retired' where number = $1"
_MAKE_LIVE = """
update messaging.generation set state = 'live', switch_when_ready = false,
    switched_at = clock_timestamp(), switched_by = $2
where number = $1
"""


async def open_messages(tx: Tx, generation: Generation) -> tuple[int, list[str]]:
    """The number of unresolved messages, and a description of the first ones."""
    names = [*generation.handlers, generation.unreadable]
    rows = (await tx.exec_driver_sql(_OPEN, (names, SHOWN))).all()
    words = [f"{row.event_id} at {row.subscription} ({row.state})" for row in rows]
    return (rows[0].number if rows else 0), words


async def switch(
    transactions: Transactions,
    service: str,
    projection: str,
    *,
    number: int | None = None,
    force: bool = False,
    by: str = "",
    wait: float = SWITCH_SECONDS,
) -> tuple[Generation, bool]:
    """Switch readers to the generation that is being built, or to the one with this number.

    One transaction: readers see one or the other. The former generation is retired and still
    updated, so that you can switch back in the same way. No reader sees an older state: writes to
    the former generation's tables are blocked until the new one has handled everything that it has,
    for at most `wait` seconds. Returns the generation, and whether it was not live before. Raises
    `NoSuchGeneration`, `NotCaughtUp`, and `OpenMessages` unless `force`, which ignores these.
    """
    until = time.monotonic() + wait
    while True:
        try:
            async with transactions() as tx:
                return await _switch(tx, service, projection, number, force, by, until)
        except Exception as error:
            if not _is_busy(error):
                raise
            if time.monotonic() > until:
                raise NotCaughtUp(
                    f"projection {projection}: the tables of the live generation are locked by "
                    f"another transaction for more than {wait:g} s"
                ) from error
        await asyncio.sleep(LOOK_SECONDS)


async def _switch(
    tx: Tx,
    service: str,
    projection: str,
    number: int | None,
    force: bool,
    by: str,
    until: float,
) -> tuple[Generation, bool]:
    await alone(tx, projection)
    rows = await of(tx, projection)
    former = in_state(rows, "live")
    new = _target(projection, rows, number)
    if new.state == "live":
        return new, False
    await _refuse_past_to_come(tx, service, new)
    if not force:
        await _refuse_open(tx, new)
    if former is not None:
        await _follow(tx, former, new, force, until, most=NEARLY)
        await _hold(tx, former)
        await _follow(tx, former, new, force, until, most=0)
        await _refuse_past_to_come(tx, service, new)
        if not force:
            await _refuse_open(tx, new)
        await tx.exec_driver_sql(_RETIRE, (former.number,))
    await tx.exec_driver_sql(_MAKE_LIVE, (new.number, by))
    found = await find(tx, new.number)
    assert found is not None
    return found, True


def _target(projection: str, rows: Sequence[Generation], number: int | None) -> Generation:
    if number is None:
        if (building := in_state(rows, "building")) is not None:
            return building
        now = in_state(rows, "live")
        said = f"generation {now.number} is live" if now is not None else "it was never started"
        raise NoSuchGeneration(f"projection {projection}: nothing is being built; {said}")
    found = next((row for row in rows if row.number == number), None)
    if found is None or not found.is_fed:
        said = f"is {found.state}" if found is not None else "is not there"
        raise NoSuchGeneration(f"projection {projection}: generation {number} {said}")
    return found


async def _refuse_past_to_come(tx: Tx, service: str, new: Generation) -> None:
    queue = new.topology(service).queue
    awaited = [row.type for row in await tx.exec_driver_sql(_AWAITED, (queue,))]
    current = await find(tx, new.number)
    assert current is not None
    if types := sorted({*current.past_to_come, *awaited}):
        raise NotCaughtUp(
            f"projection {new.projection}: generation {new.number} has not "
            f"consumed all of the past of {', '.join(types)}"
        )


async def _refuse_open(tx: Tx, new: Generation) -> None:
    count, words = await open_messages(tx, new)
    if count:
        more = f" and {count - len(words):,} more" if count > len(words) else ""
        raise OpenMessages(
            f"projection {new.projection}: generation {new.number} has {count:,} "
            f"unresolved messages: {', '.join(words)}{more}"
        )


async def _follow(
    tx: Tx, former: Generation, new: Generation, force: bool, until: float, *, most: int
) -> None:
    """Wait until the new generation lags in at most so many keys."""
    while (keys := await _behind(tx, former, new, force)) > most:
        if not force:
            await _refuse_open(tx, new)
        if time.monotonic() > until:
            raise NotCaughtUp(
                f"projection {new.projection}: generation {new.number} is behind generation "
                f"{former.number} in {keys:,} keys"
            )
        await asyncio.sleep(LOOK_SECONDS)


async def _hold(tx: Tx, former: Generation) -> None:
    """Block writes to its tables until this transaction ends; they can be read."""
    await tx.exec_driver_sql("set local lock_timeout = '2s'")
    for row in (await tx.exec_driver_sql(_TABLES, (former.schema,))).all():
        await tx.exec_driver_sql(f"lock table {row.name} in share mode")


async def _behind(tx: Tx, former: Generation, new: Generation, force: bool) -> int:
    """The number of keys in which the former one is ahead; with `force` without blocked keys."""
    columns = (
        list(former.handlers),
        list(former.types),
        list(new.handlers),
        list(new.types),
        [source_of(EVENTS[type].owner) for type in new.types],
        new.started_at,
        force,
    )
    count: int = (await tx.exec_driver_sql(_BEHIND, columns)).scalar_one()
    return count


def _is_busy(error: BaseException) -> bool:
    return isinstance(
        cause_of(error), (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
    )
