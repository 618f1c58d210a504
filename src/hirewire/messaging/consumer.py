"""The consumer: one delivery's life, from the broker's queue to an effect that is committed.

    decode -> take (first time?) -> advance (its turn?) -> handle -> commit -> ack

A batch of deliveries goes through the steps in one transaction. If anything raises, it is rolled
back and each message goes through them alone; what fails alone is entered as retrying or dead, and
acked all the same: the broker's queue never holds a poison message.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

from hirewire.messaging import inbox, metrics
from hirewire.messaging.broker import Broker, BrokerUnavailable, Delivery, QueueTopology, queue_of
from hirewire.messaging.database import is_away
from hirewire.messaging.dispatch import dispatch, verdict
from hirewire.messaging.envelope import Malformed, decode, message_id_of
from hirewire.messaging.inbox import Unit
from hirewire.messaging.loops import Wake, describe
from hirewire.messaging.outbox import Transactions, Tx
from hirewire.messaging.subscriptions import Subscription

log = structlog.get_logger(__name__)

SUSPECT_AFTER = 3
"""Deliveries without an ack after which a message is handled alone and its starts are counted."""
MOST_STARTS = 3
"""Starts of a suspect's handling that never ended; then it is dead."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A delivery that no handler can get."""

    delivery: Delivery
    id: UUID
    reason: str


class Consumer:
    """Hears one service's queue."""

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
    ) -> None:
        self.service = service
        self.topology = QueueTopology(
            queue_of(service), tuple(sorted({s.event.name for s in subscriptions}))
        )
        self._transactions = transactions
        self._broker = broker
        self._services = services
        self._batch = batch
        self._parked = parked or Wake()
        self._stopping = asyncio.Event()
        self._by_event: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            self._by_event.setdefault(subscription.event.name, []).append(subscription)
        if len({s.name for s in subscriptions}) != len(subscriptions):
            raise ValueError(f"{service}: two subscriptions have one name")

    def stop(self) -> None:
        """Finish the batch at hand, and take no more."""
        self._stopping.set()

    async def run(self) -> None:
        """Hear until stopped. The broker or the database being away only makes it wait."""
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._wait_for_database()
                async with aclosing(
                    _until(
                        self._stopping,
                        self._broker.deliveries(self.topology, limit=self._batch),
                    )
                ) as batches:
                    async for deliveries in batches:
                        await self.handle(deliveries)
                        await self._broker.ack(deliveries[-1])
                        failures = 0
            except Exception as error:
                if not isinstance(error, BrokerUnavailable) and not is_away(error):
                    log.exception("consumer failed", service=self.service)
                failures += 1
                log.warning("consumer waits", service=self.service, reason=describe(error))
                await self._pause(min(0.1 * 2 ** min(failures, 10), 5.0))

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Bring deliveries to committed effects, or enter them as waiting, retrying or dead.

        When it returns, all of them may be acked. Raises only when the database is away; then
        nothing is settled, and all of them must be delivered again.
        """
        started = time.perf_counter()
        calm = [d for d in deliveries if d.delivery_count < SUSPECT_AFTER]
        try:
            if len(calm) < len(deliveries):
                await self._handle_alone(deliveries)
            else:
                await self._handle_together(deliveries)
        finally:
            metrics.batch_size.labels(self.service).observe(len(deliveries))
            metrics.batch_seconds.labels(self.service).observe(time.perf_counter() - started)

    async def _handle_together(self, deliveries: Sequence[Delivery]) -> None:
        units, unreadable = self.read(deliveries)
        try:
            async with self._transactions() as tx:
                for one in unreadable:
                    await self._bury(tx, one)
                if units:
                    await self._effect(tx, units)
        except (Exception, asyncio.CancelledError) as error:
            if is_away(error) or is_cancelled(error):
                raise
            log.info(
                "batch taken apart",
                service=self.service,
                deliveries=len(deliveries),
                error=describe(error),
            )
            await self._handle_alone(deliveries)

    async def _handle_alone(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            fingerprint = await self._count_suspect(delivery)
            units, unreadable = self.read([delivery])
            for one in unreadable:
                async with self._transactions() as tx:
                    await self._bury(tx, one)
            for unit in units:
                await self.settle(unit)
            if fingerprint is not None:
                async with self._transactions() as tx:
                    await inbox.clear_suspect(tx, fingerprint)

    async def _count_suspect(self, delivery: Delivery) -> UUID | None:
        """Count a start of a message that may be what kills the process, before it starts."""
        if delivery.delivery_count < SUSPECT_AFTER:
            return None
        fingerprint = _fingerprint(delivery)
        async with self._transactions() as tx:
            starts = await inbox.count_start(tx, fingerprint)
        if starts <= MOST_STARTS:
            return fingerprint
        reason = (
            f"handed out {delivery.delivery_count} times; the last {starts - 1} times the process "
            "ended while handling it"
        )
        units, unreadable = self.read([delivery])
        async with self._transactions() as tx:
            for unit in units:
                await inbox.open_failed(tx, unit, reason, delay=None, attempts=starts)
                self._count_dead(unit.received.event.name, reason)
            for one in unreadable:
                await self._bury(tx, one)
        return fingerprint

    async def settle(self, unit: Unit) -> None:
        """Handle one unit in a transaction of its own; enter it as failed if it raises."""
        for nth in range(3):
            try:
                async with self._transactions() as tx:
                    await self._effect(tx, [unit])
                return
            except (Exception, asyncio.CancelledError) as error:
                if is_away(error) or is_cancelled(error):
                    raise
                if _deadlock(error) and nth < 2:
                    continue
                await self._enter_failed(unit, error)
                return

    async def _enter_failed(self, unit: Unit, error: BaseException) -> None:
        retry = unit.subscription.retry
        delay, spent = verdict(error, retry, attempt=1)
        text = describe(error)
        try:
            async with self._transactions() as tx:
                entered = await inbox.open_failed(tx, unit, text, delay=delay, attempts=spent)
        except Exception as worse:
            if is_away(worse):
                raise
            # Never back to the queue: what cannot even be entered as failed would come for ever.
            reason = f"{text}; could not be kept for a retry: {describe(worse)}"
            async with self._transactions() as tx:
                await self._bury(tx, Unreadable(unit.delivery, unit.received.id, reason))
            return
        if not entered:
            return
        event = unit.received.event.name
        if spent:
            metrics.failed.labels(self.service, event).inc()
        if delay is None:
            self._count_dead(event, text)
        else:
            log.warning(
                "event is retried",
                service=self.service,
                event_type=event,
                event_id=str(unit.received.id),
                subscription=unit.subscription.name,
                in_seconds=round(delay.total_seconds(), 3),
                error=text,
            )
        self._parked()

    async def _effect(self, tx: Tx, units: Sequence[Unit]) -> None:
        """Take, advance, park what must wait, and hand the rest to the handlers, in order."""
        taken = await inbox.take(tx, units)
        fresh: list[Unit] = []
        for unit in units:
            # A batch may hold the same event twice: only its first unit is taken.
            if (unit.received.id, unit.subscription.name) in taken:
                taken.discard((unit.received.id, unit.subscription.name))
                fresh.append(unit)
            else:
                metrics.repeated.labels(self.service, unit.received.event.name).inc()
        if not fresh:
            return
        standings = await inbox.advance(tx, fresh)
        waiting = [
            u for u in fresh if standings[u.track].open and u.subscription.behind_failed == "wait"
        ]
        if waiting:
            await inbox.park(tx, waiting, standings)
            for unit in waiting:
                metrics.waiting.labels(self.service, unit.received.event.name).inc()
            parked = {id(u) for u in waiting}
            fresh = [u for u in fresh if id(u) not in parked]
        ordered, overtaken = _mark_order(fresh, standings)
        if overtaken:
            await inbox.mark_late(tx, overtaken)
            for unit in overtaken:
                metrics.late.labels(self.service, unit.received.event.name).inc()
        await dispatch(tx, ordered)
        for unit in ordered:
            metrics.handled.labels(self.service, unit.received.event.name).inc()

    def read(self, deliveries: Sequence[Delivery]) -> tuple[list[Unit], list[Unreadable]]:
        """Decode; a unit for each subscription that hears the event, and what cannot be read."""
        units: list[Unit] = []
        unreadable: list[Unreadable] = []
        for delivery in deliveries:
            try:
                received = decode(delivery, self._services)
                heard = self._by_event.get(received.event.name)
                if heard is None:
                    raise Malformed(f"{received.event.name} is not heard by {self.service}")
            except Malformed as error:
                unreadable.append(Unreadable(delivery, message_id_of(delivery), str(error)))
            else:
                units += [Unit(delivery, received, subscription) for subscription in heard]
        return units, unreadable

    async def _bury(self, tx: Tx, one: Unreadable) -> None:
        await inbox.bury(tx, one.delivery, one.id, one.reason)
        self._count_dead("", one.reason)

    def _count_dead(self, event: str, reason: str) -> None:
        metrics.dead.labels(self.service, event).inc()
        log.error("dead letter", service=self.service, event_type=event, reason=reason)

    async def _wait_for_database(self) -> None:
        """Not to take what cannot be handled: the broker keeps its copies meanwhile."""
        async with self._transactions.engine.connect() as connection:
            await connection.exec_driver_sql("select 1")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


async def _until(
    stopping: asyncio.Event, batches: AsyncGenerator[Sequence[Delivery]]
) -> AsyncGenerator[Sequence[Delivery]]:
    """`batches` until `stopping` is set; a batch that was yielded is handled to its end."""
    stop = asyncio.ensure_future(stopping.wait())
    pending: asyncio.Future[Sequence[Delivery]] | None = None
    try:
        while not stopping.is_set():
            pending = asyncio.ensure_future(anext(batches))
            await asyncio.wait({pending, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not pending.done():
                return
            try:
                batch = pending.result()
            except StopAsyncIteration:
                return
            yield batch
    finally:
        stop.cancel()
        if pending is not None and not pending.done():
            pending.cancel()
            await asyncio.wait({pending})
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()


def _mark_order(
    units: Sequence[Unit], standings: dict[tuple[str, str, str], inbox.Standing]
) -> tuple[list[Unit], list[Unit]]:
    """The units, those that come after a later one of their track marked `late`; and those."""
    highest = {track: standing.previous or 0 for track, standing in standings.items()}
    ordered, overtaken = [], []
    for unit in units:
        sequence = unit.received.sequence
        if sequence is not None and sequence < highest[unit.track]:
            unit = replace(unit, received=replace(unit.received, late=True))
            overtaken.append(unit)
        elif sequence is not None:
            highest[unit.track] = sequence
        ordered.append(unit)
    return ordered, overtaken


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


def _deadlock(error: BaseException) -> bool:
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    return isinstance(cause, (asyncpg.DeadlockDetectedError, asyncpg.SerializationError))
