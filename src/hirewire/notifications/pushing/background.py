"""The background tasks that send pushes, delete old ones, and seal again."""

from hirewire.kit.service import PeriodicTask
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.pushing import commands
from hirewire.notifications.pushing.pusher import Pusher


async def send(transactions: Transactions, settings: Settings) -> None:
    """Send pushes, until cancelled."""
    await Pusher(transactions, settings).run()


async def forget_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.forget_old(tx)
    return False


async def seal_again_step(transactions: Transactions) -> bool:
    """Encrypt one batch. True if there may be more."""
    async with transactions() as tx:
        return await commands.seal_again(tx)


FORGET_OLD_PUSHES = PeriodicTask("old pushes", forget_step, every=3600.0)
SEAL_AGAIN = PeriodicTask("devices of earlier keys", seal_again_step, every=3600.0)
