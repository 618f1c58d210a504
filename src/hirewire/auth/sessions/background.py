"""The background task that deletes expired sessions."""

import asyncio

from hirewire.auth.sessions.commands import prune
from hirewire.messaging.transaction import Transactions

EVERY_SECONDS = 3600.0


async def forget_ended_sessions(transactions: Transactions) -> None:
    """Delete expired sessions at the start and then every hour. Runs until it is cancelled."""
    while True:
        while await prune_step(transactions):
            pass
        await asyncio.sleep(EVERY_SECONDS)


async def prune_step(transactions: Transactions) -> bool:
    """Delete one batch. Returns True when there may be more."""
    async with transactions() as tx:
        return await prune(tx)
