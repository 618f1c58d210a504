"""Takes a batch of deliveries to its effects: enter, handle and commit in one transaction.

If anything raises, the transaction is rolled back, and each half of the batch goes through the same
steps, in order. A message that fails alone is entered as retrying or dead and is then acknowledged:
the broker's queue never holds a poison message.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeAlias

import prometheus_client
import structlog

from hirewire.messaging import erasure, metrics, tracing
from hirewire.messaging.background import Wake, describe
from hirewire.messaging.consuming import inbox, unreadable
from hirewire.messaging.consuming.batches import Batch, BatchReader, Unreadable
from hirewire.messaging.consuming.dispatch import dispatch, verdict
from hirewire.messaging.consuming.failures import is_cancelled, is_deadlock
from hirewire.messaging.consuming.inbox import KeyState
from hirewire.messaging.consuming.poison_guard import PoisonGuard, needs_guard
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.envelope import type_of
from hirewire.messaging.reconciliation import barriers, cutover
from hirewire.messaging.subscriptions import UNREADABLE, Invocation, Subscription
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

_Counts: TypeAlias = list[tuple[prometheus_client.Counter, Sequence[Invocation]]]


class Watcher(Protocol):
    """An observer of a queue's progress, called in the consumer's own transactions."""

    async def before(self, tx: Tx) -> None:
        """Called before the queue is declared and consumed; if it raises, the consumer waits."""

    async def noted(self, tx: Tx, watermarks: Sequence[cutover.Watermark]) -> None:
        """Called when these watermarks have been entered."""


class BatchHandler:
    """Handles batches of one queue."""

    def __init__(
        self,
        *,
        service: str,
        queue: str,
        transactions: Transactions,
        subscriptions: Sequence[Subscription],
        reader: BatchReader,
        guard: PoisonGuard,
        wake: Wake,
        watcher: Watcher | None = None,
        unreadable: str = UNREADABLE,
    ) -> None:
        """`wake` is called when messages are entered for the retries."""
        self._service = service
        self._queue = queue
        self._transactions = transactions
        self._limits = any(subscription.limited for subscription in subscriptions)
        self._reader = reader
        self._guard = guard
        self._wake = wake
        self._watcher = watcher
        self._unreadable = unreadable

    async def handle(self, batch: Batch) -> None:
        """Commit the effects of a batch, or enter its messages as waiting, retrying or dead.

        When it returns, all of them may be acknowledged. It raises only if the database is
        unavailable; then nothing is resolved, and all of them must be delivered again.
        """
        started = time.perf_counter()
        try:
            if any(needs_guard(delivery) for delivery in batch.deliveries):
                await self._handle_alone(batch)
            else:
                await self._handle_together(batch)
            self._count_superseded(batch)
        finally:
            metrics.batch_size.labels(self._service).observe(len(batch.deliveries))
            metrics.batch_seconds.labels(self._service).observe(time.perf_counter() - started)

    async def _handle_together(self, batch: Batch) -> None:
        counts: _Counts = []
        spans = tracing.processing(batch.invocations, self._queue)
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
                "batch split after a failure",
                service=self._service,
                deliveries=len(batch.deliveries),
                error=describe(error),
            )
            await self._handle_halves(batch)
        else:
            tracing.finish(spans)
            self._count(counts)
            self._wake_lanes(batch.invocations)

    async def _handle_halves(self, batch: Batch) -> None:
        """One bad message in n costs about 2 log n transactions and does not affect the others."""
        if len(batch.deliveries) == 1:
            await self._handle_alone(batch)
            return
        middle = len(batch.deliveries) // 2
        for places in (range(middle), range(middle, len(batch.deliveries))):
            half = Batch(
                [batch.deliveries[place] for place in places if place not in batch.dropped]
            )
            for delivery in half.deliveries:
                self._reader.read_into(delivery, half)
            if half.deliveries:
                await self._handle_together(half)

    async def _handle_alone(self, batch: Batch) -> None:
        for place, delivery in enumerate(batch.deliveries):
            if place in batch.dropped:
                continue
            alone = self._reader.read_one(delivery)
            if needs_guard(delivery):
                await self._guard.attempt(
                    delivery,
                    handle=partial(self._handle_one, alone),
                    give_up=partial(self._dead_letter_poison, alone),
                )
            else:
                await self._handle_one(alone)

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
            await barriers.note_passed(tx, batch.barriers, self._queue)
        if batch.watermarks:
            await cutover.note(tx, batch.watermarks, self._queue)
            if self._watcher is not None:
                await self._watcher.noted(tx, batch.watermarks)

    async def _dead_letter_poison(self, alone: Batch, start_attempts: int) -> None:
        reason = (
            f"handed out {alone.deliveries[0].delivery_count} times; "
            f"{start_attempts - 1} processes ended while handling it"
        )
        async with self._transactions() as tx:
            await erasure.admit(tx, alone.invocations)
            for invocation in alone.invocations:
                await inbox.open_failed(tx, invocation, reason, delay=None, attempts=start_attempts)
            for one in alone.unreadable:
                await self._dead_letter(tx, one)
            await self._enter_control(tx, alone)
        for invocation in alone.invocations:
            self._count_dead(invocation.received.event.name, reason, invocation)

    async def resolve(self, invocation: Invocation) -> None:
        """Handle one invocation in its own transaction; enter it as failed if it raises."""
        for nth in range(3):
            spans = tracing.processing([invocation], self._queue)
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
                await erasure.admit(tx, [invocation])
                if invocation.received.redacted:
                    text = erasure.WIPED
                entered = await inbox.open_failed(tx, invocation, text, delay=delay, attempts=spent)
        except DatabaseUnavailable:
            raise
        except Exception as worse:
            # never back to the queue: a message that cannot be entered as failed would repeat for
            # ever
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
            metrics.failed.labels(self._service, event).inc()
        if delay is None:
            self._count_dead(event, text, invocation)
        else:
            metrics.retried.labels(self._service, event).inc()
            log.warning(
                "event is retried",
                service=self._service,
                event_type=event,
                event_id=str(invocation.received.id),
                subscription=invocation.subscription.name,
                correlation_id=invocation.received.correlation_id,
                in_seconds=round(delay.total_seconds(), 3),
                error=text,
            )
        self._wake()

    async def _effect(self, tx: Tx, invocations: Sequence[Invocation]) -> _Counts:
        """Enter the batch, park what must wait, and pass the rest to the handlers, in order.

        Returns what is to be counted after the commit.
        """
        counts: _Counts = []
        await erasure.admit(tx, invocations)
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
            metrics.superseded.labels(self._service, name).inc(number)

    def _wake_lanes(self, invocations: Sequence[Invocation]) -> None:
        """Wake the retry lanes when a limited subscription has stored messages for them."""
        if self._limits and any(invocation.subscription.limited for invocation in invocations):
            self._wake()

    def _count(self, counts: _Counts) -> None:
        for counter, invocations in counts:
            for name, number in Counter(
                invocation.subscription.event.name for invocation in invocations
            ).items():
                counter.labels(self._service, name).inc(number)
            if counter is metrics.handled:
                recorded = (
                    (invocation.subscription.name, invocation.received.time)
                    for invocation in invocations
                )
                metrics.delays(self._service, recorded)

    async def _dead_letter(self, tx: Tx, one: Unreadable) -> None:
        one = replace(one, delivery=await erasure.cleaned(tx, one.delivery))
        if one.held:
            await unreadable.hold(
                tx, one.delivery, one.id, one.reason, subscription=self._unreadable
            )
            log.warning("event kept for a newer version", service=self._service, reason=one.reason)
            return
        await unreadable.dead_letter(
            tx, one.delivery, one.id, one.reason, subscription=self._unreadable
        )
        self._count_dead("", one.reason)

    def _count_dead(self, event: str, reason: str, invocation: Invocation | None = None) -> None:
        metrics.dead.labels(self._service, event).inc()
        ids = {}
        if invocation is not None:
            ids["event_id"] = str(invocation.received.id)
            ids["correlation_id"] = invocation.received.correlation_id
        log.error("dead letter", service=self._service, event_type=event, reason=reason, **ids)


def mark_overtaken(
    invocations: Sequence[tuple[Invocation, KeyState]],
) -> tuple[list[Invocation], list[Invocation]]:
    """The invocations, with overtaken ones marked `late`; and these alone."""
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
