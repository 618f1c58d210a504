"""Pruning: what is older than the retention time and needs nothing any more."""

import asyncio
from datetime import timedelta

import structlog

from hirewire.messaging.loops import describe
from hirewire.messaging.outbox import Transactions
from hirewire.messaging.relay import lock_number

log = structlog.get_logger(__name__)

BATCH = 1000
EVERY_SECONDS = 3600.0

_PRUNE_LOG = """
delete from messaging.outbox where ctid = any(array(
    select ctid from messaging.outbox
    where recorded_at < clock_timestamp() - $1::interval and sent_at is not null limit $2))
"""
_PRUNE_INBOX = """
delete from messaging.inbox where ctid = any(array(
    select ctid from messaging.inbox
    where arrived_at < clock_timestamp() - $1::interval
      and state in ('handled', 'discarded') limit $2))
"""
_PRUNE_SUSPECTS = """
delete from messaging.suspect where ctid = any(array(
    select ctid from messaging.suspect
    where first_start < clock_timestamp() - $1::interval limit $2))
"""


class Janitor:
    """Deletes, a little at a time, sent log rows and settled inbox rows past their retention.

    Both are kept equally long: a message that can still be replayed from the log is always
    recognised as a repeat.
    """

    def __init__(self, *, service: str, transactions: Transactions, retention: timedelta) -> None:
        self._service = service
        self._transactions = transactions
        self._retention = retention

    async def step(self) -> bool:
        """Prune one batch of each. True when there may be more."""
        async with self._transactions() as tx:
            locked = await tx.exec_driver_sql(
                "select pg_try_advisory_xact_lock($1)", (lock_number(f"janitor {self._service}"),)
            )
            if not locked.scalar_one():
                return False
            more = False
            for statement in (_PRUNE_LOG, _PRUNE_INBOX, _PRUNE_SUSPECTS):
                result = await tx.exec_driver_sql(statement, (self._retention, BATCH))
                more = more or result.rowcount >= BATCH
            return more

    async def run(self) -> None:
        """Prune for ever, at first soon after the start. Ends by cancellation."""
        while True:
            await asyncio.sleep(30)
            try:
                while await self.step():
                    await asyncio.sleep(0.05)
            except Exception as error:
                log.warning("janitor waits", service=self._service, error=describe(error))
            await asyncio.sleep(EVERY_SECONDS)
