"""The background tasks for old resumes. They do nothing without the setting."""

from hirewire.kit.service import PeriodicTask
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from hirewire.profiles.retention import commands

_months: int | None = None


def use_months(settings: Settings) -> None:
    """Set the age from the settings. Called once, when a process starts."""
    global _months
    _months = settings.retention_months_resumes


async def ask_step(transactions: Transactions) -> bool:
    """Have one person asked. True if there may be more."""
    if _months is None:
        return False
    async with transactions() as tx:
        return await commands.ask_next(tx, _months)


async def delete_step(transactions: Transactions) -> bool:
    """Delete one resume. True if there may be more."""
    if _months is None:
        return False
    async with transactions() as tx:
        return await commands.delete_next(tx, _months)


ASK_FOR_OLD_RESUMES = PeriodicTask("asking for old resumes", ask_step, every=3600.0)
DELETE_OLD_RESUMES = PeriodicTask("old resumes", delete_step, every=3600.0)
