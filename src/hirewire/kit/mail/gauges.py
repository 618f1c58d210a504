"""Gauges of the queue of mails, measured from its table: a stopped mailer cannot hide a backlog."""

from prometheus_client import Gauge

from hirewire.kit.mail import queue
from hirewire.messaging.transaction import Transactions

EVERY_SECONDS = 15.0
_mails = Gauge("hirewire_mail_open", "Mails that are not sent, by state", ["service", "state"])
_oldest = Gauge("hirewire_mail_oldest_seconds", "Age of the oldest unsent mail", ["service"])


async def measure(service: str, transactions: Transactions) -> bool:
    """Measure once. Returns False: one call does all the work."""
    async with transactions() as tx:
        backlog = await queue.backlog(tx)
    _mails.labels(service, "queued").set(backlog.queued)
    _mails.labels(service, "dead").set(backlog.dead)
    _oldest.labels(service).set(backlog.oldest.total_seconds())
    return False
