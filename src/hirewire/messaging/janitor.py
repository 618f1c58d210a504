"""Retention: the days of log and inbox that come, and those that go."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

from hirewire.messaging.loops import describe
from hirewire.messaging.outbox import Transactions, Tx
from hirewire.messaging.relay import lock_number

log = structlog.get_logger(__name__)

BATCH = 1000
EVERY_SECONDS = 3600.0
DAYS_AHEAD = 7
MOST_PARTS = 40
INBOX_LONGER = timedelta(days=2)
"""How much longer the inbox is kept than the log, so that what can still be replayed from any
service's log is recognised here, however the clocks and the hours of pruning differ."""

_OLD = """
select parent, name, starts, ends from messaging.part
where ends < case parent when 'inbox' then $1::timestamptz - $2::interval else $1 end
order by starts
"""
_STILL_UNSENT = """
select exists (select from messaging.outbox
    where id >= messaging.first_id($1) and id < messaging.first_id($2))
"""
# Ids that are no UUIDv7 lie in no day: theirs go a little at a time.
_PRUNE_STRANGERS = """
delete from messaging.{table} where ctid = any(array(
    select ctid from messaging.{table} where heard_at < $1 limit $2))
"""
_PRUNE_DISCARDED = """
delete from messaging.open_message where (event_id, subscription) in (
    select event_id, subscription from messaging.open_message
    where state = 'discarded' and settled_at < $1 limit $2)
"""
_PRUNE = (
    *(_PRUNE_STRANGERS.format(table=f"inbox_{where}") for where in ("before", "after", "between")),
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


class Janitor:
    """Adds the days to come, drops the days that are past their retention, whole.

    Log and inbox are kept by one setting: a message that can still be replayed from the log is
    always recognised as a repeat. A day of the log with an unsent event stays; open messages are
    kept apart from the inbox, and however old.
    """

    def __init__(self, *, service: str, transactions: Transactions, retention: timedelta) -> None:
        self._service = service
        self._transactions = transactions
        self._retention = retention

    async def step(self) -> bool:
        """Add what is due, drop one old day or prune one batch. True when there may be more."""
        async with self._transactions() as tx:
            locked = await tx.exec_driver_sql(
                "select pg_try_advisory_xact_lock($1)", (lock_number(f"janitor {self._service}"),)
            )
            if not locked.scalar_one():
                return False
            # Adding and dropping need a lock that all traffic crosses: rather later than to wait.
            await tx.exec_driver_sql("set local lock_timeout = '500ms'")
            await tx.exec_driver_sql(
                "select messaging.add_parts($1, $2)",
                (DAYS_AHEAD, width_of(self._retention)),
            )
            before = datetime.now(UTC) - self._retention
            if await self._drop_one(tx, before):
                return True
            more = False
            for statement in _PRUNE:
                result = await tx.exec_driver_sql(statement, (before, BATCH))
                more = more or result.rowcount >= BATCH
            return more

    async def _drop_one(self, tx: Tx, before: datetime) -> bool:
        for part in (await tx.exec_driver_sql(_OLD, (before, INBOX_LONGER))).all():
            if part.parent == "log":
                unsent = await tx.exec_driver_sql(_STILL_UNSENT, (part.starts, part.ends))
                if unsent.scalar_one():
                    log.warning("unsent events keep a day", service=self._service, day=part.name)
                    continue
            await tx.exec_driver_sql(f'drop table messaging."{part.name}"')
            await tx.exec_driver_sql("delete from messaging.part where name = $1", (part.name,))
            log.info("day dropped", service=self._service, day=part.name)
            return True
        return False

    async def run(self) -> None:
        """Keep the days for ever, at first soon after the start. Ends by cancellation."""
        await asyncio.sleep(5)
        while True:
            pause = EVERY_SECONDS
            try:
                while await self.step():
                    await asyncio.sleep(0.05)
            except Exception as error:
                log.warning("janitor waits", service=self._service, error=describe(error))
                pause = 5.0 if _busy(error) else 60.0
            await asyncio.sleep(pause)


def width_of(retention: timedelta) -> int:
    """Days in one partition, so that there are never many more than `MOST_PARTS`."""
    return max(1, -(-retention.days // MOST_PARTS))


def _busy(error: Exception) -> bool:
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    return isinstance(cause, asyncpg.LockNotAvailableError)
