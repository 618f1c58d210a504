"""The consumer: one delivery's life, from the broker's queue to an effect that is committed.

    decode -> enter (first time? its turn?) -> handle -> commit -> ack

A batch of deliveries goes through the steps in one transaction. If anything raises, it is rolled
back and goes through them in halves, and these in halves, in order; what fails alone is entered as
retrying or dead, and acked all the same: the broker's queue never holds a poison message.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias
from uuid import UUID

import asyncpg
import prometheus_client
import structlog
from sqlalchemy.exc import DBAPIError

from hirewire.messaging import metrics, tracing
from hirewire.messaging.background import Wake, describe
from hirewire.messaging.broker import Broker, BrokerUnavailable, Delivery, QueueTopology, queue_of
from hirewire.messaging.consuming import inbox
from hirewire.messaging.consuming.dispatch import dispatch, verdict
from hirewire.messaging.consuming.handlers import register
from hirewire.messaging.consuming.inbox import KeyState
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.envelope import (
    Malformed,
    Unknown,
    decode,
    message_id_of,
    source_of,
    type_of,
)
from hirewire.messaging.ids import new_id
from hirewire.messaging.reconciliation import barriers, cutover
from hirewire.messaging.subscriptions import UNREADABLE, Invocation, Subscription
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

_Counts: TypeAlias = list[tuple[prometheus_client.Counter, Sequence[Invocation]]]

GUARD_AFTER = 3
"""Deliveries without an ack after which a message is handled alone and its starts are counted."""
MAX_START_ATTEMPTS = 3
"""Processes that started to handle a possible poison message and never ended it; then it is dead.
"""
FORGET_SECONDS = 2.0
OURS = source_of("")
"""How the `source` of every service's own events begins."""
LONGEST_BATCH_SECONDS = 5.0
"""A batch that took longer makes the next ones smaller: its transaction stays open meanwhile."""
STALE_SECONDS = 1.0
"""Time without deliveries after which another consumer may have been active meanwhile."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A delivery that no handler can get."""

    delivery: Delivery
    id: UUID
    reason: str
    held: bool = False
    """Whether a newer version of this program is likely to know it."""


@dataclass(slots=True)
class Batch:
    """Deliveries as they were read: what goes to the handlers, and what does not."""

    deliveries: Sequence[Delivery]
    invocations: list[Invocation] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    barriers: list[Delivery] = field(default_factory=list)
    watermarks: list[cutover.Watermark] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)
    """Places of those that a replay will bring."""


class Watcher(Protocol):
    """Somebody who wants to know how far a queue has come, in the consumer's own transactions."""

    async def before(self, tx: Tx) -> None:
        """Called before the queue is declared and consumed; raising keeps the consumer waiting."""

    async def noted(self, tx: Tx, watermarks: Sequence[cutover.Watermark]) -> None:
        """These watermarks were entered."""


class Consumer:
    """Consumes one service's queue."""

    def __init__(
        self,
        *,
        service: str,
        transactions: Transactions,
        broker: Broker,
        subscriptions: Sequence[Subscription],
        services: frozenset[str] = frozenset(),
        batch: int = 500,
        parked: Wake | None = None,
        topology: QueueTopology | None = None,
        restore: Callable[[Delivery], Delivery] | None = None,
        watcher: "Watcher | None" = None,
        unreadable: str = UNREADABLE,
    ) -> None:
        self.service = service
        self._watcher = watcher
        self._unreadable = unreadable
        self._restore = restore
        own = QueueTopology(queue_of(service), tuple(sorted({s.event.name for s in subscriptions})))
        self.topology = topology or own
        self.queues: tuple[str, ...] = (own.queue,) if topology is None and own.types else ()
        """The queues through which the service consumes."""
        self.subscriptions = tuple(subscriptions)
        self._transactions = transactions
        self._broker = broker
        self._services = services
        self._batch = batch
        self._parked = parked or Wake()
        self._stopping = asyncio.Event()
        self._failed = asyncio.Event()
        self._size = batch
        self._instance = new_id()
        self._acked_any = False
        self._ending = False
        self._open_replays = cutover.OpenReplays(services)
        self._by_event: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            self._by_event.setdefault(subscription.event.name, []).append(subscription)
        self._limits = any(subscription.limited for subscription in subscriptions)
        if len({s.name for s in subscriptions}) != len(subscriptions):
            raise ValueError(f"{service}: two subscriptions have one name")

    def stop(self) -> None:
        """Finish the batch at hand, and take no more."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until stopped. The broker or the database being away only makes it wait."""
        failures = 0
        while not self._stopping.is_set():
            try:
                async with self._transactions() as tx:  # not to take what cannot be handled
                    await self._refuse_partitioned_keys(tx)
                    if self._watcher is not None:
                        await self._watcher.before(tx)
                batches = self._broker.deliveries(self.topology, limit=self._batch)
                self._failed.clear()
                ends = (self._stopping, self._failed)
                async with aclosing(until_stopped(ends, batches)) as arriving:
                    await self._consume(arriving)
                failures = 0
            except Exception as error:
                if not isinstance(error, (BrokerUnavailable, DatabaseUnavailable)):
                    log.exception("consumer failed", service=self.service)
                failures = 0 if self._acked_any else failures + 1
                log.warning("consumer waits", service=self.service, reason=describe(error))
                await self._pause(min(0.1 * 2 ** min(failures, 10), 5.0))

    async def _consume(self, arriving: AsyncGenerator[Sequence[Delivery]]) -> None:
        """Handle and ack batch after batch; one is read while the one before it is committed.

        A batch that fails ends the waiting for the next one, which may never come.
        """
        self._acked_any = False
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
                    batch = self.read(deliveries[taken : taken + self._size])
                    taken += len(batch.deliveries)
                    await _finished(handling)
                    handling = asyncio.create_task(self._handle_and_ack(batch))
                    handling.add_done_callback(self._note_failure)
                if len(deliveries) < self._batch // 2:
                    await _finished(handling)  # and let more arrive meanwhile
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
        """Learn what others have done with the queue: a delivery says that it is this one's turn.

        It may have stood by for days before, without any sign; so this is for the first delivery,
        and for one that comes after a while without any.
        """
        async with self._transactions() as tx:
            await self._open_replays.load(tx, self.topology.queue)
            if register_handlers:
                await self._refuse_partitioned_keys(tx)
                await register(tx, self.topology.queue, self.subscriptions)
        if register_handlers:
            await self.adopt_held()

    async def adopt_held(self) -> None:
        """Handle what an older version kept since it did not know it, before all that came later.

        What a crash interrupts is done once more: the inbox knows which handlers have had it.
        """
        after = 0
        while True:
            async with self._transactions() as tx:
                held = await inbox.held(
                    tx, list(self._by_event), after=after, subscription=self._unreadable
                )
            for one in held:
                after = one.arrival
                read = self.read_again(one.delivery)
                if read.unreadable:
                    continue
                for invocation in read.invocations:
                    received = replace(invocation.received, id=one.id)
                    await self.resolve(replace(invocation, received=received))
                async with self._transactions() as tx:
                    await inbox.forget_held(tx, one.id, subscription=self._unreadable)
            if not held:
                return

    async def _handle_and_ack(self, batch: Batch) -> None:
        started = time.perf_counter()
        await self._handle(batch)
        await self._broker.ack(batch.deliveries[-1])
        self._acked_any = True
        self._adapt(len(batch.deliveries), time.perf_counter() - started)

    def _adapt(self, size: int, seconds: float) -> None:
        """Half the size after a batch that took too long, up to twice after one that did not."""
        if seconds > LONGEST_BATCH_SECONDS:
            self._size = max(1, min(self._size, size) // 2)
        elif self._size < self._batch and seconds < LONGEST_BATCH_SECONDS / 4:
            self._size = min(self._batch, self._size * 2)

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Bring deliveries to committed effects, or enter them as waiting, retrying or dead.

        When it returns, all of them may be acked. Raises only when the database is away; then
        nothing is resolved, and all of them must be delivered again.
        """
        await self._handle(self.read(deliveries))

    async def _handle(self, batch: Batch) -> None:
        started = time.perf_counter()
        try:
            if any(d.delivery_count >= GUARD_AFTER for d in batch.deliveries):
                await self._handle_alone(batch)
            else:
                await self._handle_together(batch)
            self._count_superseded(batch)
        finally:
            metrics.batch_size.labels(self.service).observe(len(batch.deliveries))
            metrics.batch_seconds.labels(self.service).observe(time.perf_counter() - started)

    async def _handle_together(self, batch: Batch) -> None:
        counts: _Counts = []
        spans = tracing.processing(batch.invocations, self.topology.queue)
        try:
            async with self._transactions() as tx:
                for one in batch.unreadable:
                    await self._dead_letter(tx, one)
                if batch.invocations:
                    counts = await self._effect(tx, batch.invocations)
                await self._enter_control(tx, batch)
        except (Exception, asyncio.CancelledError) as error:
            tracing.finish(spans, error)
            if isinstance(error, DatabaseUnavailable) or is_cancelled(error):
                raise
            log.info(
                "batch taken apart",
                service=self.service,
                deliveries=len(batch.deliveries),
                error=describe(error),
            )
            await self._handle_halves(batch)
        else:
            tracing.finish(spans)
            self._count(counts)
            self._wake_lanes(batch.invocations)

    async def _handle_halves(self, batch: Batch) -> None:
        """One bad message in n costs some 2 log n transactions, and its neighbours nothing."""
        if len(batch.deliveries) == 1:
            await self._handle_alone(batch)
            return
        middle = len(batch.deliveries) // 2
        for places in (range(middle), range(middle, len(batch.deliveries))):
            half = Batch(
                [batch.deliveries[place] for place in places if place not in batch.dropped]
            )
            for delivery in half.deliveries:
                self._read_one(delivery, half)
            if half.deliveries:
                await self._handle_together(half)

    async def _handle_alone(self, batch: Batch) -> None:
        for place, delivery in enumerate(batch.deliveries):
            if place in batch.dropped:
                continue
            alone = Batch([delivery])
            self._read_one(delivery, alone)
            if delivery.delivery_count < GUARD_AFTER:
                await self._handle_one(alone)
            else:
                await self._handle_guarded(alone)

    async def _handle_one(self, alone: Batch) -> None:
        if alone.unreadable or alone.barriers or alone.watermarks:
            async with self._transactions() as tx:
                for one in alone.unreadable:
                    await self._dead_letter(tx, one)
                await self._enter_control(tx, alone)
        for invocation in alone.invocations:
            await self.resolve(invocation)

    async def _enter_control(self, tx: Tx, batch: Batch) -> None:
        if batch.barriers:
            await barriers.note_passed(tx, batch.barriers, self.topology.queue)
        if batch.watermarks:
            await cutover.note(tx, batch.watermarks, self.topology.queue)
            if self._watcher is not None:
                await self._watcher.noted(tx, batch.watermarks)

    async def _handle_guarded(self, alone: Batch) -> None:
        """Handle what may be the message that kills the process: its start is counted before.

        A start counts once for each process. What ended in any way that this process could see,
        a stop or a database that went away too, has not killed it and does not count.
        """
        [delivery] = alone.deliveries
        fingerprint = _fingerprint(delivery)
        try:
            async with self._transactions() as tx:
                start_attempts = await inbox.count_start_attempt(tx, fingerprint, self._instance)
            if start_attempts <= MAX_START_ATTEMPTS:
                await self._handle_one(alone)
            else:
                await self._dead_letter_poison(alone, start_attempts)
        except asyncio.CancelledError:
            if self._stopping.is_set() or self._ending:
                await asyncio.shield(self._forget_start_attempt(fingerprint))
            else:  # the handler cancelled its own task, which counts as an end of the process
                self._instance = new_id()
            raise
        async with self._transactions() as tx:
            await inbox.clear_start_attempts(tx, fingerprint)

    async def _forget_start_attempt(self, fingerprint: UUID) -> None:
        try:
            async with asyncio.timeout(FORGET_SECONDS), self._transactions() as tx:
                await inbox.forget_start_attempt(tx, fingerprint, self._instance)
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("a start stays counted", service=self.service, reason=describe(error))

    async def _dead_letter_poison(self, alone: Batch, start_attempts: int) -> None:
        reason = (
            f"handed out {alone.deliveries[0].delivery_count} times; "
            f"{start_attempts - 1} processes ended while handling it"
        )
        async with self._transactions() as tx:
            for invocation in alone.invocations:
                await inbox.open_failed(tx, invocation, reason, delay=None, attempts=start_attempts)
            for one in alone.unreadable:
                await self._dead_letter(tx, one)
            await self._enter_control(tx, alone)
        for invocation in alone.invocations:
            self._count_dead(invocation.received.event.name, reason, invocation)

    async def resolve(self, invocation: Invocation) -> None:
        """Handle one invocation in a transaction of its own; enter it as failed if it raises."""
        for nth in range(3):
            spans = tracing.processing([invocation], self.topology.queue)
            try:
                async with self._transactions() as tx:
                    counts = await self._effect(tx, [invocation])
                tracing.finish(spans)
                self._count(counts)
                self._wake_lanes([invocation])
                return
            except (Exception, asyncio.CancelledError) as error:
                tracing.finish(spans, error)
                if isinstance(error, DatabaseUnavailable) or is_cancelled(error):
                    raise
                if is_deadlock(error) and nth < 2:
                    continue
                await self._enter_failed(invocation, error)
                return

    async def _enter_failed(self, invocation: Invocation, error: BaseException) -> None:
        retry = invocation.subscription.retry
        delay, spent = verdict(error, retry, attempt=1)
        text = describe(error)
        try:
            async with self._transactions() as tx:
                entered = await inbox.open_failed(tx, invocation, text, delay=delay, attempts=spent)
        except DatabaseUnavailable:
            raise
        except Exception as worse:
            # Never back to the queue: what cannot even be entered as failed would come for ever.
            reason = f"{text}; could not be kept for a retry: {describe(worse)}"
            async with self._transactions() as tx:
                await self._dead_letter(
                    tx, Unreadable(invocation.delivery, invocation.received.id, reason)
                )
            return
        if not entered:
            return
        event = invocation.received.event.name
        if spent:
            metrics.failed.labels(self.service, event).inc()
        if delay is None:
            self._count_dead(event, text, invocation)
        else:
            metrics.retried.labels(self.service, event).inc()
            log.warning(
                "event is retried",
                service=self.service,
                event_type=event,
                event_id=str(invocation.received.id),
                subscription=invocation.subscription.name,
                correlation_id=invocation.received.correlation_id,
                in_seconds=round(delay.total_seconds(), 3),
                error=text,
            )
        self._parked()

    async def _effect(self, tx: Tx, invocations: Sequence[Invocation]) -> _Counts:
        """Enter, park what must wait, and hand the rest to the handlers, in order.

        Returns what is to be counted once it is committed.
        """
        counts: _Counts = []
        fresh = await inbox.enter(tx, invocations)
        if len(fresh) < len(invocations):
            entered = {id(invocation) for invocation, _ in fresh}
            counts.append((metrics.repeated, [u for u in invocations if id(u) not in entered]))
        waiting = await inbox.held_back(tx, fresh)
        if waiting:
            await inbox.park(tx, waiting)
            counts.append((metrics.waiting, [one.invocation for one in waiting]))
            parked = {id(one.invocation) for one in waiting}
            fresh = [one for one in fresh if id(one[0]) not in parked]
        ordered, overtaken = mark_overtaken(fresh)
        if overtaken:
            await inbox.mark_late(tx, overtaken)
            counts.append((metrics.late, overtaken))
        await dispatch(tx, ordered)
        return [*counts, (metrics.handled, ordered)]

    def _count_superseded(self, batch: Batch) -> None:
        for name, number in Counter(type_of(batch.deliveries[n]) for n in batch.dropped).items():
            metrics.superseded.labels(self.service, name).inc(number)

    def _wake_lanes(self, invocations: Sequence[Invocation]) -> None:
        """What is limited has been kept, and waits for its lane."""
        if self._limits and any(invocation.subscription.limited for invocation in invocations):
            self._parked()

    def _count(self, counts: _Counts) -> None:
        for counter, invocations in counts:
            for name, number in Counter(
                invocation.subscription.event.name for invocation in invocations
            ).items():
                counter.labels(self.service, name).inc(number)
            if counter is metrics.handled:
                recorded = (
                    (invocation.subscription.name, invocation.received.time)
                    for invocation in invocations
                )
                metrics.delays(self.service, recorded)

    def read_again(self, delivery: Delivery) -> Batch:
        """Decode one that was kept."""
        batch = Batch([delivery])
        self._read_one(delivery, batch)
        return batch

    def read(self, deliveries: Sequence[Delivery]) -> Batch:
        """Decode: an invocation for each subscription to the event, and what cannot be read.

        Called once for each batch, in the queue's order: what the queue's watermarks mean depends
        on it. Raises nothing, whatever was sent.
        """
        if self._restore is not None:
            deliveries = [self._restore(delivery) for delivery in deliveries]
        batch = Batch(deliveries)
        for place, delivery in enumerate(deliveries):
            if self._open_replays.drops(delivery, type_of(delivery)):
                batch.dropped.add(place)
                continue
            watermarks = len(batch.watermarks)
            self._read_one(delivery, batch)
            if len(batch.watermarks) > watermarks:
                self._open_replays.pass_watermark(batch.watermarks[-1])
        return batch

    def _read_one(self, delivery: Delivery, batch: Batch) -> None:
        try:
            if type_of(delivery).startswith("hirewire."):
                self._read_control(delivery, batch)
                return
            received = decode(delivery, self._services)
            subscriptions = self._by_event.get(received.event.name)
            if subscriptions is None:
                raise Unknown(f"{received.event.name} is not consumed by {self.service}")
        except Malformed as error:
            held = isinstance(error, Unknown) and self._is_ours(delivery)
            id = message_id_of(delivery)
            batch.unreadable.append(Unreadable(delivery, id, str(error), held))
        else:
            for subscription in subscriptions:
                batch.invocations.append(Invocation(delivery, received, subscription))

    def _is_ours(self, delivery: Delivery) -> bool:
        """Whether it came as events of our own services do: then a newer version has bound it."""
        type = type_of(delivery)
        names = (self.service, self.topology.service)
        return (
            delivery.headers.get("source", "").startswith(OURS)
            and delivery.routing_key in (type, *(f"to.{name}.{type}" for name in names))
            and (delivery.user_id is None or delivery.user_id in self._services)
        )

    def _read_control(self, delivery: Delivery, batch: Batch) -> None:
        if barriers.is_barrier(delivery):
            batch.barriers.append(delivery)
        elif watermark := cutover.watermark_of(delivery, self._services):
            batch.watermarks.append(watermark)
        else:
            raise Malformed(f"unknown message {type_of(delivery)!r}")

    async def _dead_letter(self, tx: Tx, one: Unreadable) -> None:
        if one.held:
            await inbox.hold(tx, one.delivery, one.id, one.reason, subscription=self._unreadable)
            log.warning(
                "event is kept for a newer version", service=self.service, reason=one.reason
            )
            return
        await inbox.dead_letter(tx, one.delivery, one.id, one.reason, subscription=self._unreadable)
        self._count_dead("", one.reason)

    def _count_dead(self, event: str, reason: str, invocation: Invocation | None = None) -> None:
        metrics.dead.labels(self.service, event).inc()
        ids = {}
        if invocation is not None:
            ids["event_id"] = str(invocation.received.id)
            ids["correlation_id"] = invocation.received.correlation_id
        log.error("dead letter", service=self.service, event_type=event, reason=reason, **ids)

    async def _refuse_partitioned_keys(self, tx: Tx) -> None:
        """Beside readers of partitions, one of the service's own queue would break the order."""
        if self.queues != (self.topology.queue,):
            return
        partitions = (await tx.exec_driver_sql("select partitions from messaging.spread")).scalar()
        if partitions is not None:
            raise RuntimeError(
                f"the keys are spread over {partitions} partitions: set them here too"
            )

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


async def until_stopped(
    ends: Sequence[asyncio.Event], batches: AsyncGenerator[Sequence[Delivery]]
) -> AsyncGenerator[Sequence[Delivery]]:
    """`batches` until one of `ends` is set; a batch that was yielded is handled to its end."""
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


def mark_overtaken(
    invocations: Sequence[tuple[Invocation, KeyState]],
) -> tuple[list[Invocation], list[Invocation]]:
    """The invocations, with those marked `late` that a later one overtook; and the latter alone."""
    highest: dict[tuple[str, str, str], int] = {}
    ordered, overtaken = [], []
    for invocation, key_state in invocations:
        sequence = invocation.received.order
        if sequence is not None:
            ordering_key = invocation.ordering_key
            reached = highest.get(ordering_key, key_state.previous or 0)
            if sequence < reached:
                invocation = replace(invocation, received=replace(invocation.received, late=True))
                overtaken.append(invocation)
            else:
                highest[ordering_key] = sequence
        ordered.append(invocation)
    return ordered, overtaken


async def _finished(handling: "asyncio.Task[None] | None") -> None:
    """Wait for a batch. One that cancelled itself has failed, and ends nobody else."""
    if handling is None:
        return
    await asyncio.wait({handling})
    if handling.cancelled():
        raise RuntimeError("a handler cancelled its own task")
    handling.result()


def _fingerprint(delivery: Delivery) -> UUID:
    if delivery.message_id or delivery.headers.get("id"):
        return message_id_of(delivery)
    return UUID(bytes=hashlib.sha256(delivery.body).digest()[:16])


def is_cancelled(error: BaseException) -> bool:
    """Whether this task is being cancelled; a cancellation inside a handler is a failed attempt."""
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def is_deadlock(error: BaseException) -> bool:
    """Whether two transactions were in each other's way: the same again may well succeed."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    return isinstance(cause, (asyncpg.DeadlockDetectedError, asyncpg.SerializationError))
