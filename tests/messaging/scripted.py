"""Tools that produce one exact moment.

A broker that obeys the test, a transaction before which something happens, and a wait until a
session waits for a lock. The broker does not replace a real one in general: it is used where a
fault must come at an exact moment, which a real broker cannot produce. It keeps the promises of
`Broker` unless set differently.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging.broker import (
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
)
from hirewire.messaging.transaction import Transactions, Tx
from tests.builders import eventually


class ScriptedBroker:
    """Confirms everything and delivers what it is fed, unless its hooks do otherwise.

    `before_publish` is awaited with the messages of each call and may wait or raise; `judge`
    determines each message's outcome. A message that follows a refused one of its key in the same
    call is held back, unless `keeps_order_within_batch` is False.
    """

    def __init__(self) -> None:
        self.keeps_order_within_batch = True
        self.offered: list[Message] = []
        """All messages passed to `publish`, in order."""
        self.taken: list[Message] = []
        """The confirmed messages, in order."""
        self.acked: list[int] = []
        """The positions, in the order of their acks."""
        self.consumed = asyncio.Event()
        """Set when a consumer has asked for deliveries."""
        self.before_publish: Callable[[Sequence[Message]], Awaitable[None]] | None = None
        self.judge: Callable[[Message], Outcome] = lambda _: Outcome.CONFIRMED
        self.before_ack: Callable[[Delivery], Awaitable[None]] | None = None
        self._batches: asyncio.Queue[list[Delivery]] = asyncio.Queue()
        self._position = 0

    def feed(self, *deliveries: Delivery) -> None:
        """Deliver these as one batch, after earlier ones."""
        batch = []
        for one in deliveries:
            self._position += 1
            batch.append(replace(one, position=self._position))
        self._batches.put_nowait(batch)

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """Does nothing."""

    async def delete(self, queue: str) -> None:
        """Does nothing."""

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`."""
        self.offered += messages
        if self.before_publish is not None:
            await self.before_publish(messages)
        stopped: set[str] = set()
        outcomes = []
        for message in messages:
            held = message.key in stopped and self.keeps_order_within_batch
            outcome = Outcome.HELD_BACK if held else self.judge(message)
            if outcome is Outcome.UNROUTABLE and not message.mandatory:
                outcome = Outcome.CONFIRMED
            if outcome is Outcome.CONFIRMED:
                self.taken.append(message)
            else:
                stopped.add(message.key)
            outcomes.append(outcome)
        return outcomes

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """The fed batches; the next one does not wait for an ack."""
        self.consumed.set()
        while True:
            yield await self._batches.get()

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """Nothing arrives."""
        for _ in range(0):
            yield []

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        if self.before_ack is not None:
            await self.before_ack(delivery)
        self.acked.append(delivery.position)

    async def stats(self, queue: str) -> QueueStats:
        """No message is waiting."""
        return QueueStats(0, 1)

    async def ping(self) -> None:
        """Always succeeds."""

    async def close(self) -> None:
        """Does nothing."""

    def texts(self) -> list[str]:
        """The bodies that were accepted, in order."""
        return [message.body.decode() for message in self.taken]


def unavailable(_: object = None) -> BrokerUnavailable:
    """The error of an unavailable broker."""
    return BrokerUnavailable("scripted: away")


class MetTransactions(Transactions):
    """Transactions before each of which something may happen, as if another replica did it."""

    def __init__(self, engine: AsyncEngine, owner: str) -> None:
        super().__init__(engine, owner)
        self.before_each: Callable[[], Awaitable[None]] | None = None

    @property
    def waiting(self) -> bool:
        """Whether something planned has not happened yet."""
        return self.before_each is not None

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Tx]:
        """See `Transactions`."""
        if self.before_each is not None:
            await self.before_each()
        async with super().__call__() as tx:
            yield tx


async def lock_awaited(engine: AsyncEngine, task: "asyncio.Task[Any] | None" = None) -> None:
    """Return once a session of this database waits for a lock, or the task has ended."""

    async def waiting() -> bool:
        found = await rows(
            engine,
            "select 1 from pg_stat_activity where datname = current_database() "
            "and wait_event_type = 'Lock'",
        )
        return bool(found) or (task is not None and task.done())

    await eventually(waiting, what="a session waits for a lock")


async def rows(engine: AsyncEngine, query: str, *arguments: object) -> list[tuple[object, ...]]:
    """The committed rows of a query."""
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.exec_driver_sql(query, arguments)]
