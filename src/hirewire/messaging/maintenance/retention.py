"""Retention: adds and drops the daily partitions of log and inbox."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

from hirewire.messaging.background import Backoff, run_steps
from hirewire.messaging.bodies import BodyStore
from hirewire.messaging.locks import lock_number
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

BATCH = 1000
KEYS = 10_000
"""Keys that are forgotten at once; each run checks all keys."""
EVERY_SECONDS = 3600.0
FIRST_SECONDS, FAILED_SECONDS, REST_SECONDS = 5.0, 60.0, 0.05
"""Seconds before the first step, after a failed one, and between two."""
DAYS_AHEAD = 7
FEWEST_DAYS_AHEAD = 2
"""With fewer partitions ahead it warns that days cannot be added."""
MOST_PARTS = 40
INBOX_LONGER = timedelta(days=2)
"""How much longer the inbox is kept than the log.

So an event that can still be replayed from any service's log is recognised as a repeat, even if
clocks and times of pruning differ.
"""
CLOCKS_APART = timedelta(minutes=5)
"""Largest difference between the host's and the database's clock for anything to be removed."""
LEAP = timedelta(days=2)
"""Time between two runs, forwards or backwards, after which the clocks are not trusted."""
HOLD = timedelta(days=1)
"""Running time after a clock jump before anything is removed."""
TRIES, TRY_SECONDS = 40, 0.025
"""Number and interval of attempts to get a lock that all traffic needs.

Nobody waits for the lock, since later transactions would wait too.
"""

_CLOCK = """
insert into messaging.retention as r (ran_at) values (clock_timestamp())
on conflict (single) do update set ran_at = excluded.ran_at, held = case
    when excluded.ran_at - r.ran_at between -$1::interval and $1
        then greatest(r.held - least(greatest(excluded.ran_at - r.ran_at, '0'), $3), '0')
    else $2 end
returning ran_at, held, (select ran_at from messaging.retention) as before
"""
# Never backwards, even if the clock goes back.
_KEPT = """
update messaging.retention set log_from = kept, inbox_from = kept - $2::interval
from (select case when log_from > ran_at then $1::timestamptz
        else greatest(log_from, $1) end as kept from messaging.retention) k
"""
_DAYS_LEFT = """
select min(edge) - clock_timestamp() from (
    select max(ends) as edge from messaging.part group by parent) p
"""
_OLD = """
select parent, name, starts, ends from messaging.part
where ends < case parent when 'inbox' then $1::timestamptz - $2::interval else $1 end
order by starts
"""
_STILL_UNSENT = """
select exists (select from messaging.outbox
    where id >= messaging.first_id($1) and id < messaging.first_id($2))
"""
_PRUNE_LOG = """
delete from messaging."{table}" where ctid = any(array(
    select l.ctid from messaging."{table}" l
    where l.recorded_at < $1 and not exists (select from messaging.outbox o where o.id = l.id)
    limit $2))
"""
# Ids that are no UUIDv7 are not partitioned by day: they are deleted a few at a time.
_PRUNE_EXTERNAL = """
delete from messaging.{table} where ctid = any(array(
    select ctid from messaging.{table} where heard_at < $1 limit $2))
"""
_PRUNE_DISCARDED = """
delete from messaging.open_message where (event_id, subscription) in (
    select event_id, subscription from messaging.open_message
    where state = 'discarded' and settled_at < $1 limit $2)
"""
# Unused keys.
_ABOVE_FORGOTTEN = """
select max(c.base + c.last) from messaging.counter c
where used_on < $1::timestamptz::date
  and c.base + c.last > (select forgotten from messaging.retention)
"""
_FORGET_COUNTERS = """
delete from messaging.counter where ctid = any(array(
    select ctid from messaging.counter where used_on < $1::timestamptz::date
      and base + last <= (select forgotten from messaging.retention)
    limit $2))
"""
_FORGET_PROGRESS = """
delete from messaging.progress where ctid = any(array(
    select ctid from messaging.progress where open = 0 and moved_on < $1::timestamptz::date
    limit $2))
"""
_NO_DAY = ("before", "after", "between")
_PRUNE = (
    *(_PRUNE_LOG.format(table=f"log_{where}") for where in _NO_DAY),
    *(_PRUNE_EXTERNAL.format(table=f"inbox_{where}") for where in _NO_DAY),
    _PRUNE_DISCARDED,
    "delete from messaging.suspect where ctid = any(array("
    "select ctid from messaging.suspect where first_start < $1 limit $2))",
    "delete from messaging.edit where id = any(array("
    "select id from messaging.edit where edited_at < $1 limit $2))",
    "delete from messaging.fence where id = any(array("
    "select id from messaging.fence where asked_at < $1 limit $2))",
    "delete from messaging.fence_heard where ctid = any(array("
    "select ctid from messaging.fence_heard where heard_at < $1 limit $2))",
    "delete from messaging.job where id = any(array("
    "select id from messaging.job where state <> 'open' and finished_at < $1 limit $2))",
)


class Retention:
    """Adds partitions for coming days, and drops those past their retention.

    One setting applies to log and inbox: an event that can still be replayed from the log is always
    recognised as a repeat. Unsent events of a dropped day of the log are kept; unresolved messages
    are stored outside the inbox and kept however old they are. Removal requires two clocks that
    agree, and some time after a clock jump.
    """

    def __init__(
        self,
        *,
        service: str,
        transactions: Transactions,
        retention: timedelta,
        store: BodyStore | None = None,
    ) -> None:
        self._service = service
        self._store = store
        self._transactions = transactions
        self._retention = retention

    async def step(self) -> bool:
        """Add what is due, and drop one old day or prune one batch. True if there may be more."""
        await self._unlocked(self._add_days)
        before = await self._remove_before()
        if before is None:
            return False
        if await self._unlocked(lambda: self._drop_one(before)):
            return True
        unused_since = before - INBOX_LONGER
        if self._store is not None:
            await self._store.prune(unused_since)
        await self._unlocked(lambda: self._raise_bases(unused_since))
        async with self._transactions() as tx:
            if not await self._alone(tx):
                return False
            more = await self._thin_out(tx, before)
            for statement in _PRUNE:
                result = await tx.exec_driver_sql(statement, (before, BATCH))
                more = more or result.rowcount >= BATCH
            for statement in (_FORGET_COUNTERS, _FORGET_PROGRESS):
                result = await tx.exec_driver_sql(statement, (unused_since, KEYS))
                more = more or result.rowcount >= KEYS
            return more

    async def _raise_bases(self, before: datetime) -> bool:
        """Start new counters above those that may be forgotten next.

        A transaction that finds its counter deleted began after the table was locked, and so uses
        the new start.
        """
        async with self._transactions() as tx:
            if not await self._alone(tx):
                return False
            base = (await tx.exec_driver_sql(_ABOVE_FORGOTTEN, (before,))).scalar()
            if base is None:
                return False
            await tx.exec_driver_sql("lock table messaging.counter in access exclusive mode nowait")
            await tx.exec_driver_sql(
                f"alter table messaging.counter alter column base set default {int(base)}"
            )
            await tx.exec_driver_sql("update messaging.retention set forgotten = $1", (base,))
        return True

    async def run(self) -> None:
        """Maintain the partitions for ever, first soon after the start. Ends by cancellation."""
        await asyncio.sleep(FIRST_SECONDS)
        backoff = Backoff(least=FAILED_SECONDS, longest=FAILED_SECONDS)
        await run_steps(
            "retention",
            self._step_and_rest,
            idle=EVERY_SECONDS,
            backoff=backoff,
            service=self._service,
        )

    async def _step_and_rest(self) -> bool:
        """Run one step; the pause before the next leaves the database to others."""
        more = await self.step()
        if more:
            await asyncio.sleep(REST_SECONDS)
        return more

    async def _alone(self, tx: Tx) -> bool:
        locked = await tx.exec_driver_sql(
            "select pg_try_advisory_xact_lock($1)", (lock_number(f"janitor {self._service}"),)
        )
        return bool(locked.scalar_one())

    async def _unlocked(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """Run `work`, and repeat it while its tables are locked. False if they stay locked."""
        for _ in range(TRIES):
            try:
                return await work()
            except Exception as error:
                if not _busy(error):
                    raise
            await asyncio.sleep(TRY_SECONDS)
        log.debug("partition maintenance postponed: tables are locked", service=self._service)
        return False

    async def _add_days(self) -> bool:
        async with self._transactions() as tx:
            if not await self._alone(tx):
                return False
            left = (await tx.exec_driver_sql(_DAYS_LEFT)).scalar()
            if left is not None and left < timedelta(days=FEWEST_DAYS_AHEAD):
                log.warning("days run out", service=self._service, left=str(left))
            await tx.exec_driver_sql(
                "select messaging.add_parts($1, $2)", (DAYS_AHEAD, width_of(self._retention))
            )
        return True

    async def _remove_before(self) -> datetime | None:
        """The time up to which may be removed; None while the clocks are not trusted."""
        async with self._transactions() as tx:
            if not await self._alone(tx):
                return None
            hour = timedelta(seconds=2 * EVERY_SECONDS)
            row = (await tx.exec_driver_sql(_CLOCK, (LEAP, HOLD, hour))).one()
            apart = datetime.now(UTC) - row.ran_at
            before: datetime = row.ran_at - self._retention
            if abs(apart) <= CLOCKS_APART and not row.held:
                await tx.exec_driver_sql(_KEPT, (before, INBOX_LONGER))
                return before
        if abs(apart) > CLOCKS_APART:
            log.error(
                "retention paused: clocks of host and database differ",
                service=self._service,
                host_ahead_seconds=round(apart.total_seconds()),
            )
        else:
            log.warning(
                "retention paused: clock jumped or service was down",
                service=self._service,
                for_hours=round(row.held / timedelta(hours=1), 1),
                ran_before=row.before and row.before.isoformat(),
            )
        return None

    async def _drop_one(self, before: datetime) -> bool:
        async with self._transactions() as tx:
            if not await self._alone(tx):
                return False
            for part in (await tx.exec_driver_sql(_OLD, (before, INBOX_LONGER))).all():
                if part.parent == "log" and await self._keeps_unsent(tx, part.starts, part.ends):
                    continue
                for table in (f"only messaging.{part.parent}", f'messaging."{part.name}"'):
                    await tx.exec_driver_sql(f"lock table {table} in access exclusive mode nowait")
                await tx.exec_driver_sql(f'drop table messaging."{part.name}"')
                await tx.exec_driver_sql("delete from messaging.part where name = $1", (part.name,))
                log.info("day dropped", service=self._service, day=part.name)
                return True
        return False

    async def _thin_out(self, tx: Tx, before: datetime) -> bool:
        """Delete sent events of days kept for their unsent ones. True if there may be more."""
        more = False
        for part in (await tx.exec_driver_sql(_OLD, (before, INBOX_LONGER))).all():
            if part.parent != "log" or not await self._keeps_unsent(tx, part.starts, part.ends):
                continue
            statement = _PRUNE_LOG.format(table=part.name)
            result = await tx.exec_driver_sql(statement, (datetime.max.replace(tzinfo=UTC), BATCH))
            if result.rowcount >= BATCH:
                more = True
            else:
                log.warning("day kept for its unsent events", service=self._service, day=part.name)
        return more

    async def _keeps_unsent(self, tx: Tx, starts: datetime, ends: datetime) -> bool:
        result = await tx.exec_driver_sql(_STILL_UNSENT, (starts, ends))
        return bool(result.scalar_one())


def width_of(retention: timedelta) -> int:
    """Days in one partition, so that there are never many more than `MOST_PARTS`."""
    return max(1, -(-retention.days // MOST_PARTS))


def _busy(error: Exception) -> bool:
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    return isinstance(cause, asyncpg.LockNotAvailableError)
