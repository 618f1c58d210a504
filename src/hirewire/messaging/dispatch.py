"""Handing events to handlers, in order; and what a handler's exception means."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from hirewire.messaging import metrics
from hirewire.messaging.envelope import caused_by
from hirewire.messaging.inbox import Unit
from hirewire.messaging.outbox import Tx, context, owner_of
from hirewire.messaging.retry import Later, Reject, RetrySchedule


async def dispatch(tx: Tx, units: Sequence[Unit]) -> None:
    """Call the handlers of the units, in the units' order.

    Units of a batched subscription are gathered and handed over at once, but never past a later
    message of the same key that another handler is to get: the order of a key holds across its
    events. Several subscriptions to one message are no reason to part its batch.
    """
    gathered: dict[str, list[Unit]] = {}
    by_key: dict[str | None, list[Unit]] = {}
    for unit in units:
        if any(
            other.subscription.name != unit.subscription.name
            and other.received is not unit.received
            for other in by_key.get(unit.received.key, ())
        ):
            for group in gathered.values():
                await _call_batched(tx, group)
            gathered.clear()
            by_key.clear()
        if unit.subscription.batch_handler is not None:
            gathered.setdefault(unit.subscription.name, []).append(unit)
            by_key.setdefault(unit.received.key, []).append(unit)
        else:
            await _call(tx, unit)
    for group in gathered.values():
        await _call_batched(tx, group)


async def _call(tx: Tx, unit: Unit) -> None:
    assert unit.subscription.handler is not None
    token = context.set(caused_by(unit.received))
    try:
        with _timed(tx, unit):
            await unit.subscription.handler(tx, unit.received)
    finally:
        context.reset(token)


async def _call_batched(tx: Tx, units: Sequence[Unit]) -> None:
    handler = units[0].subscription.batch_handler
    assert handler is not None
    token = context.set(caused_by(units[0].received) if len(units) == 1 else None)
    try:
        with _timed(tx, units[0]):
            await handler(tx, [unit.received for unit in units])
    finally:
        context.reset(token)


@contextmanager
def _timed(tx: Tx, unit: Unit) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        metrics.handle_seconds.labels(
            owner_of(tx), unit.received.event.name, unit.subscription.name
        ).observe(time.perf_counter() - started)


def verdict(
    error: BaseException, retry: RetrySchedule, *, attempt: int
) -> tuple[timedelta | None, int]:
    """What follows a failed attempt: the delay (None: dead), and the attempts spent so far."""
    if isinstance(error, Reject):
        return None, attempt
    if isinstance(error, Later):
        return error.delay, attempt - 1
    return retry.delay(attempt), attempt
