"""Background tasks of alerts."""

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.alerts import commands
from hirewire.vacancies.alerts.index.keeping import index_of


async def read(transactions: Transactions) -> bool:
    """Read the saved searches, so that the first vacancy does not wait for that."""
    async with transactions() as tx:
        await index_of(tx).check(tx)
    return False


async def forget(transactions: Transactions) -> bool:
    """Forget old matches. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.forget_old(tx)
    return False


READ_SAVED_SEARCHES = PeriodicTask("saved searches", read, every=60.0)
FORGET_OLD_MATCHES = PeriodicTask("old matches of saved searches", forget, every=3600.0)
