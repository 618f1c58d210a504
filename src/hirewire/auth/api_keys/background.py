"""The background task that deletes API keys that expired long ago."""

from hirewire.auth.api_keys.commands import forget_old
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def forget_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await forget_old(tx)
    return False


FORGET_OLD_KEYS = PeriodicTask("API keys", forget_step, every=3600.0)
