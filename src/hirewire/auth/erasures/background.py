"""The background task that watches open erasures."""

import structlog
from prometheus_client import Gauge

from hirewire.auth.erasures import commands, queries, rules
from hirewire.kit.clock import now
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)

OPEN = Gauge(
    "hirewire_erasures_open_oldest_seconds",
    "Age of the oldest erasure that a service has not answered; 0: none is open",
)


async def watch(transactions: Transactions) -> bool:
    """Measure the oldest open erasure, and delete last mails that could not be delivered."""
    async with transactions() as tx:
        since = await queries.oldest_open(tx)
        await commands.drop_undelivered(tx)
    age = (now() - since).total_seconds() if since is not None else 0.0
    OPEN.set(max(age, 0.0))
    if age > rules.LATE.total_seconds():
        log.error("an erasure is open for too long", seconds=round(age))
    return False


WATCH_ERASURES = PeriodicTask("erasures", watch, every=10.0)
