"""The background task that closes expired vacancies."""

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.posting import commands

BATCH = 50


async def step(transactions: Transactions) -> bool:
    """Close one batch. Returns True when there may be more."""
    async with transactions() as tx:
        return await commands.close_expired(tx, limit=BATCH)


CLOSE_EXPIRED = PeriodicTask("expired vacancies", step, every=30.0)
"""Closes vacancies whose last day (UTC) has passed, within half a minute of midnight."""
