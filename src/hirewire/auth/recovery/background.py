"""Background tasks that queue the mails of requests, and delete expired secrets of mails."""

from hirewire.auth.one_time import prune
from hirewire.auth.recovery import commands
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions


async def prune_step(transactions: Transactions) -> bool:
    """Delete all that is old. Returns False: one call does all the work."""
    async with transactions() as tx:
        await prune(tx)
    return False


FORGET_OLD_SECRETS = PeriodicTask("one_time_secrets", prune_step, every=3600.0)


async def send_links(transactions: Transactions) -> bool:
    """Answer the oldest request for a new password. True if there was one."""
    async with transactions() as tx:
        return await commands.send_next_link(tx)


SEND_LINKS = PeriodicTask("links to send", send_links, every=5.0)
"""Does what the request's own process did not: it was killed, or its database was away."""
