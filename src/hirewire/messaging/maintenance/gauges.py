"""Gauges of the backlog: in the outbox, in the queue, in the inbox.

They are measured from the tables and the broker, not by the tasks that work on them: a stopped task
cannot hide its backlog.
"""

from hirewire.messaging import metrics
from hirewire.messaging.background import describe, log, run_steps
from hirewire.messaging.broker import DEAD, Broker
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.transaction import Transactions

EVERY_SECONDS = 5.0

_BACKLOG = """
select count(*) as unsent, coalesce(extract(epoch from clock_timestamp() - (
    select recorded_at from messaging.log where id = (
        select id from messaging.outbox order by position limit 1))), 0)::float8 as age
from messaging.outbox
"""


class Gauges:
    """Measures the backlog every few seconds."""

    def __init__(self, *, consumer: Consumer, transactions: Transactions, broker: Broker) -> None:
        self._consumer = consumer
        self._transactions = transactions
        self._broker = broker

    async def look_at_tables(self) -> None:
        """Measure unsent events and unresolved messages."""
        async with self._transactions() as tx:
            counts = await dead_letters.counts(tx)
            backlog = (await tx.exec_driver_sql(_BACKLOG)).one()
            names = [subscription.name for subscription in self._consumer.subscriptions]
            lag = await dead_letters.lag(tx, names)
        metrics.open_messages(self._consumer.service, counts)
        metrics.lag(self._consumer.service, lag)
        metrics.outbox(self._consumer.service, backlog.unsent, backlog.age)

    async def look_at_broker(self) -> None:
        """Measure the queue and the broker's dead letters."""
        queues = self._consumer.queues
        stats = [await self._broker.stats(queue) for queue in queues]
        dead = (await self._broker.stats(DEAD)).ready
        ready = sum(one.ready for one in stats)
        metrics.queued(self._consumer.service, ready if queues else None, dead)
        metrics.lags(lag for one in stats for lag in one.lags)

    async def step(self) -> bool:
        """Measure both; a value that is unavailable now is measured next time."""
        for look in (self.look_at_tables, self.look_at_broker):
            try:
                await look()
            except Exception as error:
                log.debug(
                    "gauges not measured", service=self._consumer.service, error=describe(error)
                )
        return False

    async def run(self) -> None:
        """Measure for ever. Ends by cancellation."""
        await run_steps("gauges", self.step, idle=EVERY_SECONDS)
