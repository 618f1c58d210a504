"""The background task that lets proposals expire."""

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.interviews import commands


async def step(transactions: Transactions) -> bool:
    """Let some expire. True if there may be more."""
    async with transactions() as tx:
        return await commands.expire(tx)


EXPIRE_PROPOSALS = PeriodicTask("interview proposals", step, every=60.0)
"""Ends proposals whose times have all passed without a choice."""
