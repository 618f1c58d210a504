"""Retention: the days of log and inbox that come, and those that go."""

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
"""Keys that are forgotten at once; each time all are looked at."""
EVERY_SECONDS = 3600.0
FIRST_SECONDS, FAILED_SECONDS, REST_SECONDS = 5.0, 60.0, 0.05
"""Before the first step, after a failed one, and between two."""
DAYS_AHEAD = 7
FEWEST_DAYS_AHEAD = 2
"""With fewer it is worth a warning that days cannot be added."""
MOST_PARTS = 40
INBOX_LONGER = timedelta(days=2)
"""How much longer the inbox is kept than the log, so that what can still be replayed from any
service's log is recognised here, however the clocks and the hours of pruning differ."""
CLOCKS_APART = timedelta(minutes=5)
"""How much the host's clock and the database's may differ before nothing is removed."""
LEAP = timedelta(days=2)
"""A pause between two runs, forwards or backwards, after which the clocks are not believed."""
HOLD = timedelta(days=1)
"""How long after a leap nothing is removed, counted while the service runs."""
TRIES, TRY_SECONDS = 40, 0.025
"""How often, and how far apart, a lock is tried that all traffic crosses. It is never waited for:
whoever came after would wait too."""

_CLOCK = """
insert into messaging.retention as r (ran_at) values (clock_timestamp())
on conflict (single) do update set ran_at = excluded.ran_at, held = case
    when excluded.ran_at - r.ran_at between -$1::interval and $1
        then greatest(r.held - least(greatest(excluded.ran_at - r.ran_at, '0'), $3), '0')
    else $2 end
returning ran_at, held, (select ran_at from messaging.retention) as before
"""
# Never back, even when the clock goes back: what is removed is removed.
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
# Ids that are no UUIDv7 lie in no day: theirs go a little at a time.
_PRUNE_EXTERNAL = """
delete from messaging.{table} where ctid = any(array(
    select ctid from messaging.{table} where heard_at < $1 limit $2))
"""
_PRUNE_DISCARDED = """
delete from messaging.open_message where (event_id, subscription) in (
    select event_id, subscription from messaging.open_message
    where state = 'discarded' and settled_at < $1 limit $2)
"""
# Keys that are used no more.
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
    """Adds the days to come, drops the days that are past their retention, whole.

    Log and inbox are kept by one setting: a message that can still be replayed from the log is
    always recognised as a repeat. Of a day of the log with unsent events these stay, alone; open
    messages are kept apart from the inbox, and however old.

    Removing goes by two clocks that must agree, and not soon after they have leapt.
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
        """Add what is due, drop one old day or prune one batch. True when there may be more."""
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
        """Have new counters begin above those that may be forgotten next. Who finds its counter
        gone was not at work yet when the table was locked, and so begins above it.
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
        """Keep the days for ever, at first soon after the start. Ends by cancellation."""
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
        """One step; others have the database for a moment before the next."""
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
        """Run `work`, again while its tables are locked. False if they stay locked."""
        for _ in range(TRIES):
            try:
                return await work()
            except Exception as error:
                if not _busy(error):
                    raise
            await asyncio.sleep(TRY_SECONDS)
        log.debug("days are added and dropped later", service=self._service)
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
        """The moment up to which may be removed; None while the clocks are not to be believed."""
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
                "nothing is removed: the clocks of host and database differ",
                service=self._service,
                host_ahead_seconds=round(apart.total_seconds()),
            )
        else:
            log.warning(
                "nothing is removed: the clock has leapt, or the service was away",
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
        """Delete sent events of days kept for unsent ones. True when there may be more."""
        more = False
        for part in (await tx.exec_driver_sql(_OLD, (before, INBOX_LONGER))).all():
            if part.parent != "log" or not await self._keeps_unsent(tx, part.starts, part.ends):
                continue
            statement = _PRUNE_LOG.format(table=part.name)
            result = await tx.exec_driver_sql(statement, (datetime.max.replace(tzinfo=UTC), BATCH))
            if result.rowcount >= BATCH:
                more = True
            else:
                log.warning("unsent events keep a day", service=self._service, day=part.name)
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
