"""The background tasks that read the mailbox of the return address and delete old bounces."""

import asyncio

import structlog

from hirewire.kit.service import PeriodicTask
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.bounces import commands, reports
from hirewire.notifications.bounces.mailbox import AT_ONCE, Mailbox
from hirewire.notifications.bounces.reports import NoReport

log = structlog.get_logger(__name__)
_mailbox: str | None = None


def use_mailbox(settings: Settings) -> None:
    """Set the mailbox from the settings. Called once, when a process starts."""
    global _mailbox
    _mailbox = settings.bounces_mailbox


async def read_step(transactions: Transactions) -> bool:
    """Read some unread messages. True if there may be more. Does nothing without the setting.

    Reports are deleted once their effect has committed; one that is read again changes nothing.
    Everything else is marked as read and left to the operator.
    """
    if _mailbox is None:
        return False
    mailbox = await asyncio.to_thread(Mailbox, _mailbox)
    try:
        arrived = await asyncio.to_thread(mailbox.unread)
        for message in arrived:
            is_handled = await handle(transactions, message.content)
            await asyncio.to_thread(mailbox.delete if is_handled else mailbox.keep, message)
    finally:
        await asyncio.to_thread(mailbox.close)
    return len(arrived) == AT_ONCE


async def handle(transactions: Transactions, content: bytes) -> bool:
    """Note the report in a message. False if it is none, or about no mail of ours."""
    try:
        report = await asyncio.to_thread(reports.read, content)
    except NoReport as error:
        log.info("no report of a mail that came back", reason=str(error))
        return False
    async with transactions() as tx:
        return await commands.note_report(tx, report)


async def forget_step(transactions: Transactions) -> bool:
    """Delete some old bounces. True if there may be more."""
    async with transactions() as tx:
        return await commands.forget_old(tx)


READ_MAILBOX = PeriodicTask("mailbox of the return address", read_step, every=60.0)
FORGET_OLD_BOUNCES = PeriodicTask("old bounces", forget_step, every=3600.0)
