"""Vacancies end by the clock."""

import asyncio

from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.posting import commands

BATCH = 50
EVERY_SECONDS = 30.0


async def close_expired(transactions: Transactions) -> None:
    """Close what has passed its last day (UTC), within half a minute of midnight."""
    while True:
        while await step(transactions):
            await asyncio.sleep(0)
        await asyncio.sleep(EVERY_SECONDS)


async def step(transactions: Transactions) -> bool:
    """Close some. True when there may be more."""
    async with transactions() as tx:
        return await commands.close_expired(tx, limit=BATCH)
