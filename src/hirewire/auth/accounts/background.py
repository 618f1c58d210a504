"""Forgetting from where people have registered."""

import asyncio

from hirewire.auth.accounts.commands import forget_registrations
from hirewire.messaging.transaction import Transactions

EVERY_SECONDS = 3600.0


async def forget_old_registrations(transactions: Transactions) -> None:
    """Delete what no longer counts: at the start, then every hour. Ends by cancellation."""
    while True:
        async with transactions() as tx:
            await forget_registrations(tx)
        await asyncio.sleep(EVERY_SECONDS)
