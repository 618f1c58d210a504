"""The consumer of one queue: deliveries are read, handled to a committed effect, and acked.

decode -> enter (first time? its turn?) -> handle -> commit -> ack

`batches` decodes, `batch_handler` does the steps up to the commit, and `poison_guard` detects
messages that kill their process. This module is the loop around them: one batch is read while the
previous one is committed.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from hirewire.messaging.background import Backoff, Wake, run_steps
from hirewire.messaging.broker import Broker, BrokerUnavailable, Delivery, QueueTopology, queue_of
from hirewire.messaging.consuming import unreadable
from hirewire.messaging.consuming.batch_handler import BatchHandler, Watcher
from hirewire.messaging.consuming.batches import Batch, BatchReader
from hirewire.messaging.consuming.handlers import register
from hirewire.messaging.consuming.poison_guard import PoisonGuard
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.subscriptions import UNREADABLE, Subscription
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

LONGEST_BATCH_SECONDS = 5.0
"""After a batch that took longer the next ones are smaller, since its transaction stays open."""
STALE_SECONDS = 1.0
"""Seconds without deliveries in which another consumer may have been active."""


class Consumer:
    """Consumes one queue of a service."""

    def __init__(
        self,
        *,
        service: str,
        transactions: Transactions,
        broker: Broker,
        subscriptions: Sequence[Subscription],
        services: frozenset[str] = frozenset(),
        batch: int = 500,
        wake: Wake | None = None,
        topology: QueueTopology | None = None,
        restore: Callable[[Delivery], Delivery] | None = None,
        watcher: Watcher | None = None,
        unreadable: str = UNREADABLE,
        shared_user: str | None = None,
    ) -> None:
        """`topology` replaces the service's own queue; `wake` wakes the retries.

        `shared_user` is the broker's user of all services, if they have none of their own.
        """
        if len({s.name for s in subscriptions}) != len(subscriptions):
            raise ValueError(f"{service}: two subscriptions have one name")
        self.service = service
        self.subscriptions = tuple(subscriptions)
        own = QueueTopology(queue_of(service), tuple(sorted({s.event.name for s in subscriptions})))
        self.topology = topology or own
        self.queues: tuple[str, ...] = (own.queue,) if topology is None and own.types else ()
        """The queues through which the service consumes."""
        self._transactions = transactions
        self._broker = broker
        self._batch = self._size = batch
        self._watcher = watcher
        self._unreadable = unreadable
        self._backoff = Backoff()
        self._stopping = asyncio.Event()
        self._failed = asyncio.Event()
        self._ending = False
        self.reader = BatchReader(
            service=service,
            topology=self.topology,
            subscriptions=subscriptions,
            services=services,
            restore=restore,
            shared_user=shared_user,
        )
        self.handler = BatchHandler(
            service=service,
            queue=self.topology.queue,
            transactions=transactions,
            subscriptions=subscriptions,
            reader=self.reader,
            guard=PoisonGuard(
                service=service,
                transactions=transactions,
                is_stopping=lambda: self._stopping.is_set() or self._ending,
            ),
            wake=wake or Wake(),
            watcher=watcher,
            unreadable=unreadable,
        )

    def stop(self) -> None:
        """Finish the current batch and stop."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until stopped. If the broker or the database is unavailable, it waits."""
        await run_steps(
            "consumer",
            self._read_queue,
            backoff=self._backoff,
            stopping=self._stopping,
            service=self.service,
        )

    async def _read_queue(self) -> bool:
        """Read the queue until its connection is lost, or until stopped."""
        try:
            async with self._transactions() as tx:  # do not take messages that cannot be handled
                await self._refuse_partitioned_keys(tx)
                if self._watcher is not None:
                    await self._watcher.before(tx)
            batches = self._broker.deliveries(self.topology, limit=self._batch)
            self._failed.clear()
            ends = (self._stopping, self._failed)
            async with aclosing(until_stopped(ends, batches)) as arriving:
                await self._consume(arriving)
        except (BrokerUnavailable, DatabaseUnavailable):
            raise
        except Exception:
            log.exception("consumer failed", service=self.service)
            raise
        return True

    async def _consume(self, arriving: AsyncGenerator[Sequence[Delivery]]) -> None:
        """Handle and acknowledge batch after batch; read one while the previous one is committed.

        If a batch fails, do not wait for the next one, which may never arrive.
        """
        self._ending = False
        handling: asyncio.Task[None] | None = None
        ready_at: float | None = None
        try:
            async for deliveries in arriving:
                if ready_at is None or time.monotonic() - ready_at > STALE_SECONDS:
                    await _finished(handling)
                    await self._become_active(register_handlers=ready_at is None)
                taken = 0
                while taken < len(deliveries):
                    batch = self.reader.read(deliveries[taken : taken + self._size])
                    taken += len(batch.deliveries)
                    await _finished(handling)
                    handling = asyncio.create_task(self._handle_and_ack(batch))
                    handling.add_done_callback(self._note_failure)
                if len(deliveries) < self._batch // 2:
                    await _finished(handling)  # let more messages arrive in the meantime
                ready_at = time.monotonic()
            await _finished(handling)
        finally:
            if handling is not None and not handling.done():
                self._ending = True
                handling.cancel()
                await asyncio.wait({handling})

    def _note_failure(self, handling: asyncio.Task[None]) -> None:
        if handling.cancelled() or handling.exception() is not None:
            self._failed.set()

    async def _become_active(self, *, register_handlers: bool) -> None:
        """Load what other replicas have done with the queue, now that this one is active.

        A delivery is the only sign of that. So this runs at the first delivery, and at one after a
        period without any.
        """
        async with self._transactions() as tx:
            await self.reader.open_replays.load(tx, self.topology.queue)
            if register_handlers:
                await self._refuse_partitioned_keys(tx)
                await register(tx, self.topology.queue, self.subscriptions)
        if register_handlers:
            await self.adopt_held()

    async def adopt_held(self) -> None:
        """Handle messages that an older version kept as unknown, before all later ones.

        A delivery interrupted by a crash is handled again; the inbox knows which handlers had it.
        """
        after = 0
        while True:
            async with self._transactions() as tx:
                held = await unreadable.held(
                    tx, self.reader.types, after=after, subscription=self._unreadable
                )
            for one in held:
                after = one.arrival
                read = self.reader.read_one(one.delivery)
                if read.unreadable:
                    continue
                for invocation in read.invocations:
                    received = replace(invocation.received, id=one.id)
                    await self.handler.resolve(replace(invocation, received=received))
                async with self._transactions() as tx:
                    await unreadable.forget_held(tx, one.id, subscription=self._unreadable)
            if not held:
                return

    async def _handle_and_ack(self, batch: Batch) -> None:
        started = time.perf_counter()
        await self.handler.handle(batch)
        await self._broker.ack(batch.deliveries[-1])
        self._backoff.reset()
        self._adapt(len(batch.deliveries), time.perf_counter() - started)

    def _adapt(self, size: int, seconds: float) -> None:
        """Halve the size after a slow batch, and at most double it after a fast one."""
        if seconds > LONGEST_BATCH_SECONDS:
            self._size = max(1, min(self._size, size) // 2)
        elif self._size < self._batch and seconds < LONGEST_BATCH_SECONDS / 4:
            self._size = min(self._batch, self._size * 2)

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Commit the effects of deliveries, or enter them as waiting, retrying or dead.

        When it returns, all of them may be acknowledged. It raises only if the database is
        unavailable; then nothing is resolved, and all of them must be delivered again.
        """
        await self.handler.handle(self.reader.read(deliveries))

    async def _refuse_partitioned_keys(self, tx: Tx) -> None:
        """Beside consumers of partitions, a consumer of the service's own queue would break the
        order.
        """
        if self.queues != (self.topology.queue,):
            return
        partitions = (await tx.exec_driver_sql("select partitions from messaging.spread")).scalar()
        if partitions is not None:
            raise RuntimeError(
                f"the keys are spread over {partitions} partitions: set them here too"
            )


async def until_stopped(
    ends: Sequence[asyncio.Event], batches: AsyncGenerator[Sequence[Delivery]]
) -> AsyncGenerator[Sequence[Delivery]]:
    """Yield from `batches` until one of `ends` is set; a yielded batch is handled to its end."""
    stops = [asyncio.ensure_future(end.wait()) for end in ends]
    pending: asyncio.Future[Sequence[Delivery]] | None = None
    try:
        while not any(end.is_set() for end in ends):
            pending = asyncio.ensure_future(anext(batches))
            await asyncio.wait({pending, *stops}, return_when=asyncio.FIRST_COMPLETED)
            if not pending.done():
                return
            try:
                batch = pending.result()
            except StopAsyncIteration:
                return
            yield batch
    finally:
        for stop in stops:
            stop.cancel()
        if pending is not None and not pending.done():
            pending.cancel()
            await asyncio.wait({pending})
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()


async def _finished(handling: "asyncio.Task[None] | None") -> None:
    """Wait for a batch. If its task cancelled itself, that is a failure of the batch only."""
    if handling is None:
        return
    await asyncio.wait({handling})
    if handling.cancelled():
        raise RuntimeError("a handler cancelled its own task")
    handling.result()
