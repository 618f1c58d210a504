"""The background task that deletes old registration attempts."""

import asyncio

from hirewire.auth.accounts.commands import forget_registrations
from hirewire.messaging.transaction import Transactions

EVERY_SECONDS = 3600.0


async def forget_old_registrations(transactions: Transactions) -> None:
    """Delete old attempts at the start and then every hour. Runs until it is cancelled."""
    while True:
        async with transactions() as tx:
            await forget_registrations(tx)
        await asyncio.sleep(EVERY_SECONDS)
