"""The background task that queues mails about what is due, and what makes their letters."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from hirewire.kit.mail.letters import Letter
from hirewire.kit.mail.mailer import sender_of
from hirewire.kit.mail.queue import Claimed
from hirewire.kit.service import PeriodicTask
from hirewire.kit.settings import Settings
from hirewire.messaging.background import Wake, run_steps
from hirewire.messaging.transaction import Transactions, Tx
from hirewire.notifications import planning
from hirewire.notifications.mailing import commands, queries
from hirewire.notifications.mailing.presenters import Board, letter

log = structlog.get_logger(__name__)
POLL_SECONDS = 5.0
NAME = "notifications"
_board = Board("Hirewire", "http://127.0.0.1:8000")


async def queue_step(transactions: Transactions) -> bool:
    """Queue the mails of some people. True if there may be more."""
    async with transactions() as tx:
        return await commands.queue_due(tx)


async def sweep_step(transactions: Transactions) -> bool:
    """Plan what has no plan. Returns False: one call does all the work."""
    async with transactions() as tx:
        await commands.sweep(tx)
    return False


SWEEP = PeriodicTask("notices without a plan", sweep_step, every=3600.0)


async def queue_mails(transactions: Transactions, settings: Settings) -> None:
    """Queue what is due as soon as it is, until cancelled. Without an SMTP server, nothing."""
    if settings.smtp_url is None:
        return
    global _board
    sender = sender_of(settings)
    _board = Board(sender.name, settings.public_url, sender.address, settings.unsubscribe_address)
    wake = planning.wakes[NAME] = Wake()
    try:
        await run_steps(
            "mails about notices", lambda: queue_step(transactions), wake, idle=POLL_SECONDS
        )
    finally:
        planning.wakes.pop(NAME, None)


async def compose(tx: Tx, claimed: Sequence[Claimed]) -> Mapping[UUID, Letter | None]:
    """The letters of mails that are sent now."""
    ids = [(one.id, one.user_id) for one in claimed if one.user_id is not None]
    found: dict[UUID, Letter | None] = {}
    for id, mail in (await queries.mails(tx, ids)).items():
        try:
            found[id] = letter(mail, _board)
        except Exception:  # one letter must not stop the others, whatever it holds
            log.exception("letter about notices cannot be written", id=str(id))
            found[id] = None
    return found
