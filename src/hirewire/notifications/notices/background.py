"""The background task that deletes old notices."""

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.notices import commands


async def step(transactions: Transactions) -> bool:
    """Delete some. True if there may be more."""
    async with transactions() as tx:
        return await commands.forget_old(tx)


FORGET_OLD_NOTICES = PeriodicTask("old notices", step, every=3600.0)
