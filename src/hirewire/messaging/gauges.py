"""The figures that show a backlog wherever it is: in the inbox, in the queue, with the broker."""

import asyncio

from hirewire.messaging import deadletters, metrics
from hirewire.messaging.broker import DEAD, Broker
from hirewire.messaging.consumer import Consumer
from hirewire.messaging.loops import describe, log
from hirewire.messaging.outbox import Transactions

EVERY_SECONDS = 5.0


class Gauges:
    """Looks every few seconds at what waits, so that no backlog goes without a figure."""

    def __init__(self, *, consumer: Consumer, transactions: Transactions, broker: Broker) -> None:
        self._consumer = consumer
        self._transactions = transactions
        self._broker = broker

    async def step(self) -> None:
        """Look once."""
        async with self._transactions() as tx:
            counts = await deadletters.counts(tx)
        queues = self._consumer.queues
        ready = sum([(await self._broker.stats(queue)).ready for queue in queues])
        dead = (await self._broker.stats(DEAD)).ready
        metrics.standing(self._consumer.service, counts, ready if queues else None, dead)

    async def run(self) -> None:
        """Look for ever. Ends by cancellation."""
        while True:
            try:
                await self.step()
            except Exception as error:
                log.debug("no figures", service=self._consumer.service, error=describe(error))
            await asyncio.sleep(EVERY_SECONDS)
