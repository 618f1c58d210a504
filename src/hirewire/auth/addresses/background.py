"""The background task that deletes changes which nobody has confirmed."""

from hirewire.auth.addresses.commands import forget_old
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def forget_step(transactions: Transactions) -> bool:
    """Delete all that are old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await forget_old(tx)
    return False


FORGET_OLD_CHANGES = PeriodicTask("address changes", forget_step, every=600.0)
