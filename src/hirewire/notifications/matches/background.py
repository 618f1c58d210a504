"""The background task that forgets old withdrawals of matches."""

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.matches import commands


async def step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.forget_old(tx)
    return False


FORGET_OLD_WITHDRAWALS = PeriodicTask("old withdrawals of matches", step, every=3600.0)
