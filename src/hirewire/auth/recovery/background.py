"""The background task that deletes expired secrets of mails."""

from hirewire.auth.one_time import prune
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def prune_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await prune(tx)
    return False


FORGET_OLD_SECRETS = PeriodicTask("one_time_secrets", prune_step, every=3600.0)
