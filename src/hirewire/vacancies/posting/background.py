"""The background task that closes expired vacancies."""

import asyncio

from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.posting import commands

BATCH = 50
EVERY_SECONDS = 30.0


async def close_expired(transactions: Transactions) -> None:
    """Close vacancies whose last day (UTC) has passed, within half a minute of midnight."""
    while True:
        while await step(transactions):
            await asyncio.sleep(0)
        await asyncio.sleep(EVERY_SECONDS)


async def step(transactions: Transactions) -> bool:
    """Close a batch. True if there may be more."""
    async with transactions() as tx:
        return await commands.close_expired(tx, limit=BATCH)
