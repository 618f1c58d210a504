"""Notes what became of mails: those that end at about the same time in one transaction."""

import asyncio

from hirewire.kit.mail import queue
from hirewire.kit.mail.queue import Ending
from hirewire.messaging.transaction import Transactions


class Endings:
    """Collects endings while a transaction with earlier ones goes on."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._waiting: list[tuple[Ending, asyncio.Future[None]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def note(self, ending: Ending) -> None:
        """Return once the ending is committed. Raises what the transaction raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ending, done))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store())
        await done

    async def close(self) -> None:
        """Return once all are stored."""
        if self._storing is not None:
            await asyncio.wait({self._storing})

    async def _store(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                async with self._transactions() as tx:
                    await queue.end_all(tx, [ending for ending, _ in taken])
            except Exception as error:  # each of those who wait raises it
                for _, done in taken:
                    if not done.done():
                        done.set_exception(error)
            else:
                for _, done in taken:
                    if not done.done():
                        done.set_result(None)
