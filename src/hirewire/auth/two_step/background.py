"""Background tasks that delete what has expired, and encrypt secrets with the current key."""

from hirewire.auth.two_step import commands
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def prune_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.prune(tx)
    return False


FORGET_UNFINISHED = PeriodicTask("second steps", prune_step, every=3600.0)


async def seal_again_step(transactions: Transactions) -> bool:
    """Encrypt one batch. Returns True when there may be more."""
    async with transactions() as tx:
        return await commands.seal_again(tx)


SEAL_AGAIN = PeriodicTask("second factors of earlier keys", seal_again_step, every=3600.0)
