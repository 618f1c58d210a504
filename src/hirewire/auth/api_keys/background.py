"""Background tasks of API keys: those that expire soon, and those that expired long ago."""

from hirewire.auth.api_keys.commands import forget_old, warn
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def forget_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await forget_old(tx)
    return False


async def warn_step(transactions: Transactions) -> bool:
    """Mail companies whose keys expire soon. True if there may be more."""
    async with transactions() as tx:
        return await warn(tx)


WARN_OF_EXPIRY = PeriodicTask("API keys that expire soon", warn_step, every=3600.0)
FORGET_OLD_KEYS = PeriodicTask("API keys", forget_step, every=3600.0)
