"""The background task that deletes old registration attempts."""

from hirewire.auth.registering import forget_old
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def forget_old_registrations(transactions: Transactions) -> bool:
    """Delete all old attempts. Returns False: one call does all the work."""
    async with transactions() as tx:
        await forget_old(tx)
    return False


FORGET_OLD_REGISTRATIONS = PeriodicTask("registrations", forget_old_registrations, every=3600.0)
