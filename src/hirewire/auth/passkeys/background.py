"""The background task that deletes expired challenges."""

from hirewire.auth.passkeys.commands import prune
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def prune_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await prune(tx)
    return False


FORGET_CHALLENGES = PeriodicTask("passkey challenges", prune_step, every=3600.0)
