"""What was there before it could be compared, or was compared by other rules."""

import asyncio

from hirewire.messaging.outbox import Transactions
from hirewire.vacancies.recommendations import commands
from hirewire.vacancies.recommendations.facts import prepare

BATCH = 200
EVERY_SECONDS = 60.0


async def compare_stale(transactions: Transactions) -> None:
    """Compare it, a batch at a time, so that what happens meanwhile need not wait long."""
    await asyncio.to_thread(prepare)
    while True:
        while await step(transactions):
            await asyncio.sleep(0)
        await asyncio.sleep(EVERY_SECONDS)


async def step(transactions: Transactions) -> bool:
    """Compare one batch. True when there may be more."""
    async with transactions() as tx:
        return await commands.compare_stale(tx, limit=BATCH)
