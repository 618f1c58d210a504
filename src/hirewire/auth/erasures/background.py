"""The background task that watches open erasures."""

from weakref import WeakKeyDictionary

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


_alarms: WeakKeyDictionary[Transactions, int] = WeakKeyDictionary()
"""How many hours the oldest erasure was open at the last alarm: one is logged each hour."""


async def watch(transactions: Transactions) -> bool:
    """Measure the oldest open erasure, and delete last mails that could not be delivered."""
    async with transactions() as tx:
        since = await queries.oldest_open(tx)
        await commands.drop_undelivered(tx)
    age = (now() - since).total_seconds() if since is not None else 0.0
    OPEN.set(max(age, 0.0))
    hours = int(age / rules.LATE.total_seconds())
    if hours > _alarms.get(transactions, 0):
        log.error("an erasure is open for too long", seconds=round(age))
    _alarms[transactions] = hours
    return False


WATCH_ERASURES = PeriodicTask("erasures", watch, every=10.0)
