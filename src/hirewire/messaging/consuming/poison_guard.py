"""Messages that may kill the process that handles them: attempts are counted before they start."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from hirewire.messaging.background import describe
from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import start_attempts
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.envelope import message_id_of
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)

GUARD_AFTER = 3
"""Deliveries without an ack after which a message is handled alone, with counted starts."""
MAX_START_ATTEMPTS = 3
"""Processes that may start a message without finishing it; then it is a dead letter."""
FORGET_SECONDS = 2.0


def needs_guard(delivery: Delivery) -> bool:
    """Whether it was delivered so often without an ack that it may be a poison message."""
    return delivery.delivery_count >= GUARD_AFTER


class PoisonGuard:
    """Counts the processes that start to handle a message and die before they finish."""

    def __init__(
        self, *, service: str, transactions: Transactions, is_stopping: Callable[[], bool]
    ) -> None:
        """`is_stopping` returns whether a cancellation is a stop, not one by the handler."""
        self._service = service
        self._transactions = transactions
        self._is_stopping = is_stopping
        self._instance = new_id()

    async def attempt(
        self,
        delivery: Delivery,
        *,
        handle: Callable[[], Awaitable[None]],
        give_up: Callable[[int], Awaitable[None]],
    ) -> None:
        """Handle a possible poison message: its start is counted first.

        A start counts once for each process. If the process sees the end of the handling (also a
        stop, or a lost database), the message has not killed it, and the start does not count.
        """
        fingerprint = _fingerprint(delivery)
        try:
            async with self._transactions() as tx:
                started = await start_attempts.count(tx, fingerprint, self._instance)
            if started <= MAX_START_ATTEMPTS:
                await handle()
            else:
                await give_up(started)
        except asyncio.CancelledError:
            if self._is_stopping():
                await asyncio.shield(self._forget_start_attempt(fingerprint))
            else:  # the handler cancelled its own task, which counts as a death of the process
                self._instance = new_id()
            raise
        async with self._transactions() as tx:
            await start_attempts.clear(tx, fingerprint)

    async def _forget_start_attempt(self, fingerprint: UUID) -> None:
        try:
            async with asyncio.timeout(FORGET_SECONDS), self._transactions() as tx:
                await start_attempts.forget(tx, fingerprint, self._instance)
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning(
                "start attempt still counted", service=self._service, reason=describe(error)
            )


def _fingerprint(delivery: Delivery) -> UUID:
    if delivery.message_id or delivery.headers.get("id"):
        return message_id_of(delivery)
    return UUID(bytes=hashlib.sha256(delivery.body).digest()[:16])
