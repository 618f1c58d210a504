"""The background task that forgets what saved searches found long ago."""

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.searches import commands


async def step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.forget_old(tx)
    return False


FORGET_OLD_FINDS = PeriodicTask("old finds of saved searches", step, every=3600.0)
