"""Forgetting what sessions leave behind."""

import asyncio

from hirewire.auth.sessions.commands import prune
from hirewire.messaging.transaction import Transactions

EVERY_SECONDS = 3600.0


async def forget_ended_sessions(transactions: Transactions) -> None:
    """Delete what no longer counts: at the start, then every hour. Ends by cancellation."""
    while True:
        while await prune_step(transactions):
            pass
        await asyncio.sleep(EVERY_SECONDS)


async def prune_step(transactions: Transactions) -> bool:
    """One batch. True when there may be more."""
    async with transactions() as tx:
        return await prune(tx)
