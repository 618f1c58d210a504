"""The background tasks for old applications. They do nothing without the setting."""

from hirewire.kit.service import PeriodicTask
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.retention import commands

_months: int | None = None


def use_months(settings: Settings) -> None:
    """Set the age from the settings. Called once, when a process starts."""
    global _months
    _months = settings.retention_months_applications


async def ask_step(transactions: Transactions) -> bool:
    """Have one person asked. True if there may be more."""
    if _months is None:
        return False
    async with transactions() as tx:
        return await commands.ask_next(tx, _months)


async def anonymise_step(transactions: Transactions) -> bool:
    """Anonymise some applications. True if there may be more."""
    if _months is None:
        return False
    async with transactions() as tx:
        return await commands.anonymise_next(tx, _months)


ASK_FOR_OLD_APPLICATIONS = PeriodicTask("asking for old applications", ask_step, every=3600.0)
ANONYMISE_OLD_APPLICATIONS = PeriodicTask("old applications", anonymise_step, every=3600.0)
