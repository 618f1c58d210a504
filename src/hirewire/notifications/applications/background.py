"""The background task that deletes interviews of which no candidate is left."""

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.applications import commands


async def forget(transactions: Transactions) -> bool:
    """Delete those that no mail needs any more. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.forget_abandoned(tx)
    return False


FORGET_ABANDONED = PeriodicTask("interviews without a candidate", forget, every=3600.0)
