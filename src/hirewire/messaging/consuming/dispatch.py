"""Passes events to handlers in order, and interprets the handlers' exceptions."""

import asyncio
import math
import time
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from functools import lru_cache
from types import TracebackType

from prometheus_client import Histogram

from hirewire.messaging import metrics
from hirewire.messaging.database import IDLE_IN_TRANSACTION_SECONDS
from hirewire.messaging.envelope import caused_by
from hirewire.messaging.retry import Later, Reject, RetrySchedule
from hirewire.messaging.subscriptions import Invocation
from hirewire.messaging.transaction import Tx, context, owner_of

IDLE_MARGIN_SECONDS = 10
"""Seconds by which a transaction's idle limit exceeds the time limit of its handler."""
MOST_IDLE_SECONDS = 2_000_000
"""About the most that PostgreSQL accepts: 2**31 ms."""
LONGEST_DELAY = timedelta(days=365)
"""The longest delay after which a handler that raised `Later` is called again."""


async def dispatch(tx: Tx, invocations: Sequence[Invocation]) -> None:
    """Call the handlers of the invocations, in the invocations' order.

    Invocations of a batched subscription are collected and passed at once, but never across a later
    message of the same key for another handler: the order within a key holds across its events.
    Several subscriptions to one message do not split its batch. No handler gets a redacted event.
    Raises what a handler raises, and `TimeoutError` for one that exceeds its time limit.
    """
    invocations = [one for one in invocations if not one.received.redacted]
    watch = _Watch(tx)
    gathered: dict[str, list[Invocation]] = {}
    by_key: dict[str | None, list[Invocation]] = {}
    several = len({invocation.subscription.name for invocation in invocations}) > 1
    await _allow_waiting(tx, invocations)
    async with watch:
        for invocation in invocations:
            if several and any(
                other.subscription.name != invocation.subscription.name
                and other.received is not invocation.received
                for other in by_key.get(invocation.received.key, ())
            ):
                for group in gathered.values():
                    await _call_batched(tx, group, watch)
                gathered.clear()
                by_key.clear()
            if invocation.subscription.batch_handler is not None:
                gathered.setdefault(invocation.subscription.name, []).append(invocation)
                by_key.setdefault(invocation.received.key, []).append(invocation)
            else:
                await _call(tx, invocation, watch)
        for group in gathered.values():
            await _call_batched(tx, group, watch)


async def _allow_waiting(tx: Tx, invocations: Sequence[Invocation]) -> None:
    """Allow the handler's transaction to be idle for as long as its time limit."""
    longest = max(
        (invocation.subscription.time_limit for invocation in invocations), default=timedelta(0)
    )
    seconds = int(longest.total_seconds()) + IDLE_MARGIN_SECONDS
    if seconds > IDLE_IN_TRANSACTION_SECONDS:
        await tx.exec_driver_sql(
            "select set_config('idle_in_transaction_session_timeout', $1, true)",
            (f"{min(seconds, MOST_IDLE_SECONDS)}s",),
        )


async def _call(tx: Tx, invocation: Invocation, watch: "_Watch") -> None:
    handler = invocation.subscription.handler
    assert handler is not None
    token = context.set(caused_by(invocation.received))
    try:
        await watch.call(invocation, handler(tx, invocation.received))
    finally:
        context.reset(token)


async def _call_batched(tx: Tx, invocations: Sequence[Invocation], watch: "_Watch") -> None:
    handler = invocations[0].subscription.batch_handler
    assert handler is not None
    token = context.set(caused_by(invocations[0].received) if len(invocations) == 1 else None)
    try:
        await watch.call(
            invocations[0], handler(tx, [invocation.received for invocation in invocations])
        )
    finally:
        context.reset(token)


class _Watch:
    """Measures the calls of a dispatch, and ends a call that exceeds its limit.

    One timer serves all calls and checks whether the current one is over its limit, since a timer
    for each call would cost more than small handlers.
    """

    def __init__(self, tx: Tx) -> None:
        self._owner = owner_of(tx)
        self._timer = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()
        self._limit = 0.0
        self._until = math.inf
        """When the current call must end; infinite between two calls."""
        self._look: asyncio.TimerHandle | None = None
        self._look_at = math.inf

    async def call(self, invocation: Invocation, handling: Awaitable[None]) -> None:
        """Await one call of a handler."""
        self._limit = invocation.subscription.time_limit.total_seconds()
        self._until = until = self._loop.time() + self._limit
        if until < self._look_at:
            self._look_again(until)
        started = time.perf_counter()
        try:
            await handling
            if self._timer.expired():  # and the handler caught its cancellation
                raise self._too_long()
        except (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except (
            BaseException
        ) as error:  # an exception that does not end the process is a failed attempt
            raise RuntimeError(f"{type(error).__name__} in a handler") from error
        finally:
            self._until = math.inf
            name = invocation.subscription.name
            seconds = time.perf_counter() - started
            _seconds_of(self._owner, invocation.received.event.name, name).observe(seconds)

    def _look_again(self, at: float) -> None:
        if self._look is not None:
            self._look.cancel()
        self._look_at = at
        self._look = self._loop.call_at(at, self._on_time)

    def _on_time(self) -> None:
        self._look, self._look_at = None, math.inf
        if self._until <= self._loop.time():
            self._timer.reschedule(self._loop.time())
        elif self._until < math.inf:
            self._look_again(self._until)

    async def __aenter__(self) -> None:
        await self._timer.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._look is not None:
            self._look.cancel()
        try:
            await self._timer.__aexit__(kind, error, trace)
        except TimeoutError:
            raise self._too_long() from None

    def _too_long(self) -> TimeoutError:
        return TimeoutError(f"the handler took longer than its time limit of {self._limit:g} s")


@lru_cache(maxsize=4096)
def _seconds_of(owner: str, event: str, subscription: str) -> Histogram:
    """The time series of one handler; looking it up costs more than counting."""
    return metrics.handle_seconds.labels(owner, event, subscription)


def verdict(
    error: BaseException, retry: RetrySchedule, *, attempt: int
) -> tuple[timedelta | None, int]:
    """The result of a failed attempt: the delay (None: dead), and the attempts spent so far."""
    if isinstance(error, Reject):
        return None, attempt
    if isinstance(error, Later):
        return min(max(error.delay, timedelta(0)), LONGEST_DELAY), attempt - 1
    schedule = retry.for_error(error)
    return (schedule.delay(attempt) if schedule is not None else None), attempt
