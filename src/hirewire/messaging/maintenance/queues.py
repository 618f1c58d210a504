"""Redacts what waits in queues about erased people: see `messaging.erasure`.

A service redacts what it consumes. This is for messages that no service may ever take.
"""

from functools import partial

from hirewire.messaging import erasure
from hirewire.messaging.background import run_steps
from hirewire.messaging.broker import Broker, RedactsQueues
from hirewire.messaging.transaction import Transactions

EVERY_SECONDS = 2.0
_NEXT = """
select subject from messaging.erased where not queues_redacted order by erased_at limit 100
"""
_DONE = "update messaging.erased set queues_redacted = true where subject = $1"


class QueueRedaction:
    """Redacts queues after each erasure, in the service that asks for it."""

    def __init__(self, *, service: str, transactions: Transactions, broker: Broker) -> None:
        self._service = service
        self._transactions = transactions
        self._broker = broker

    async def step(self) -> bool:
        """Redact the queues for the next people. True if there may be more."""
        if not isinstance(self._broker, RedactsQueues):
            return False
        async with self._transactions() as tx:
            subjects = [row.subject for row in await tx.exec_driver_sql(_NEXT)]
        for subject in subjects:
            await self._broker.redact(subject, partial(erasure.redact_payload, subject=subject))
            async with self._transactions() as tx:
                await tx.exec_driver_sql(_DONE, (subject,))
        return len(subjects) == 100

    async def run(self) -> None:
        """Redact for ever. Ends by cancellation."""
        await run_steps("queues", self.step, idle=EVERY_SECONDS, service=self._service)
