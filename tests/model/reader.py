"""A consuming service of the model: real consumer and retries, handlers that record their calls."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging.background import Wake
from hirewire.messaging.broker import QueueTopology, queue_of
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Later, Reject, RetrySchedule
from hirewire.messaging.subscriptions import Subscription, on, on_batch
from hirewire.messaging.transaction import Transactions, Tx
from tests.model.broker import FaultyBroker
from tests.model.events import TYPES, Fault, Wiped, Written

AT_ONCE = RetrySchedule(attempts=3, first=timedelta(0), jitter=0)
BATCH = 16
"""Deliveries that the consumer asks for at once."""

TABLE = """
create table effect (
    nth bigint generated always as identity, subscription text not null, page uuid not null,
    number bigint not null, late boolean not null)
"""


class Reader:
    """A service that consumes the writer. Each of its processes is a task."""

    def __init__(
        self, name: str, engine: AsyncEngine, broker: FaultyBroker, *, history: bool = False
    ) -> None:
        self.name = name
        self.engine = engine
        self.broker = broker
        self.topology = QueueTopology(queue_of(name), TYPES)
        self.transactions = Transactions(engine, name)
        self.faults: dict[tuple[bool, int], Fault] = {}
        """What happens instead of an effect in an event's second handler (True) or first one."""
        self.discarded: set[tuple[str, int]] = set()
        self.hanging = asyncio.Event()
        self.inside, self.gate = asyncio.Event(), asyncio.Event()
        """A waiting handler is inside; it continues when the gate opens."""
        self.subscriptions: tuple[Subscription, ...] = (
            on(Written, self.one, name="pages", retry=AT_ONCE, history=history),
            on_batch(Written, self.many, name="batches", retry=AT_ONCE, history=history),
            on(Wiped, self.wiped, name="wiped", retry=AT_ONCE, history=history),
            on(
                Wiped,
                self.skips,
                name="skips",
                retry=AT_ONCE,
                behind_failed="skip",
                history=history,
            ),
        )
        self.consumers: list[tuple[Consumer, asyncio.Task[None]]] = []
        self._retries: Retries | None = None

    def start(self) -> None:
        """Start one more process; it stands by after the first ones."""
        consumer = Consumer(
            service=self.name,
            transactions=self.transactions,
            broker=self.broker,
            subscriptions=self.subscriptions,
            batch=BATCH,
        )
        self.consumers.append((consumer, asyncio.create_task(consumer.run())))

    async def kill(self, nth: int = 0) -> None:
        """Kill a process at any point."""
        _, task = self.consumers.pop(nth)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def consume(self, most: int) -> int:
        """Let the active process get up to `most` deliveries, handle and ack them.

        A process whose handler hangs is killed, and another takes its place.
        """
        if not self.consumers:
            self.start()
        self.hanging.clear()
        received = asyncio.create_task(self.broker.hand_out(self.topology.queue, most))
        hangs = asyncio.create_task(self.hanging.wait())
        await asyncio.wait({received, hangs}, return_when=asyncio.FIRST_COMPLETED)
        hangs.cancel()
        if self.hanging.is_set():
            await self.kill()
            self.start()
        return await received

    async def retry(self) -> bool:
        """Retry one failed message once; False if there is none.

        A process whose handler hangs is killed during the retry.
        """
        if not self.consumers:
            self.start()
        retries = Retries(
            consumer=self.consumers[0][0], transactions=self.transactions, wake=Wake()
        )
        self.hanging.clear()
        attempt = asyncio.create_task(retries.step())
        hangs = asyncio.create_task(self.hanging.wait())
        await asyncio.wait({attempt, hangs}, return_when=asyncio.FIRST_COMPLETED)
        hangs.cancel()
        if self.hanging.is_set():
            attempt.cancel()
        try:
            return await attempt
        except asyncio.CancelledError:
            return True

    async def one(self, tx: Tx, received: Received[Written]) -> None:
        """A handler of single events."""
        await self._take_effect(
            tx, "pages", received.event.page, received.event.number, received.late
        )

    async def many(self, tx: Tx, received: Sequence[Received[Written]]) -> None:
        """A handler of batches."""
        for one in received:
            await self._take_effect(tx, "batches", one.event.page, one.event.number, one.late)

    async def wiped(self, tx: Tx, received: Received[Wiped]) -> None:
        """A handler of single events, of the other type."""
        await self._take_effect(
            tx, "wiped", received.event.page, received.event.number, received.late
        )

    async def skips(self, tx: Tx, received: Received[Wiped]) -> None:
        """A handler whose later messages may overtake failed ones."""
        await self._take_effect(
            tx, "skips", received.event.page, received.event.number, received.late
        )

    async def _take_effect(
        self, tx: Tx, subscription: str, page: UUID, number: int, late: bool
    ) -> None:
        await tx.exec_driver_sql(
            "insert into effect (subscription, page, number, late) values ($1, $2, $3, $4)",
            (subscription, page, number, late),
        )
        place = (subscription in ("batches", "skips"), number)
        match self.faults.get(place):
            case "fails":
                raise ValueError(f"{subscription} fails at {number}")
            case "rejects":
                raise Reject(f"{subscription} rejects {number}")
            case "later":
                raise Later(timedelta(0))
            case "database":
                del self.faults[place]
                await tx.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
            case "hangs":
                del self.faults[place]
                self.hanging.set()
                await asyncio.Event().wait()
            case "waits":
                del self.faults[place]
                self.inside.set()
                await self.gate.wait()
            case "catches":
                with suppress(IntegrityError):
                    await tx.exec_driver_sql(
                        "insert into messaging.counter values ('a', 1), ('a', 1)"
                    )
            case None:
                pass

    async def effects(self) -> dict[tuple[str, UUID], list[tuple[int, bool]]]:
        """The effects and whether they were marked late, in order, by handler and key."""
        found: dict[tuple[str, UUID], list[tuple[int, bool]]] = {}
        async with self.engine.connect() as connection:
            result = await connection.exec_driver_sql(
                "select subscription, page, number, late from effect order by nth"
            )
            for row in result:
                place = (row.subscription, UUID(str(row.page)))
                found.setdefault(place, []).append((row.number, row.late))
        return found
