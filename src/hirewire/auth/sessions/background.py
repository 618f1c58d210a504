"""The background task that deletes expired sessions."""

from hirewire.auth.sessions.commands import prune
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def prune_step(transactions: Transactions) -> bool:
    """Delete one batch. Returns True when there may be more."""
    async with transactions() as tx:
        return await prune(tx)


FORGET_ENDED_SESSIONS = PeriodicTask("sessions", prune_step, every=3600.0)
