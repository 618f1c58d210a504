"""The background task that deletes expired tickets and old callbacks."""

from hirewire.auth.identities import commands
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def prune_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.prune(tx)
    return False


FORGET_OLD_CALLBACKS = PeriodicTask("provider callbacks", prune_step, every=600.0)
