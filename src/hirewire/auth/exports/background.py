"""The background task that gives up exports which no service completes."""

from hirewire.auth.exports import commands
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def end_step(transactions: Transactions) -> bool:
    """Give up one export. True when there may be more."""
    async with transactions() as tx:
        await commands.forget_old(tx)
        return await commands.give_up(tx)


END_EXPORTS = PeriodicTask("exports without an end", end_step, every=600.0)
