"""Subscriptions: one typed row for each handler of an event."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.transaction import Tx

E = TypeVar("E", bound=Event)
BehindFailed = Literal["wait", "skip"]
DEFAULT_RETRY = RetrySchedule()
DEFAULT_TIME_LIMIT = timedelta(seconds=30)
UNREADABLE = "(unreadable)"
"""Placeholder subscription of a message that reached no handler."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate: at most so many messages in a period, for all replicas; all may come at once."""

    count: int
    per: timedelta = timedelta(seconds=1)

    def __post_init__(self) -> None:
        if self.count < 1 or self.per <= timedelta(0):
            raise ValueError("rate: at least one message in more than no time")

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.count / self.per.total_seconds()


@dataclass(frozen=True, slots=True)
class Subscription:
    """One handler of one event, created by `on` or `on_batch`. Exactly one handler is set."""

    event: type[Event]
    name: str
    """Part of the inbox's key, so it must not change."""
    handler: Callable[[Tx, Received[Any]], Awaitable[None]] | None
    batch_handler: Callable[[Tx, Sequence[Received[Any]]], Awaitable[None]] | None
    retry: RetrySchedule
    behind_failed: BehindFailed
    history: bool
    """Whether a service that is new to the event first consumes the owner's past events."""
    time_limit: timedelta = DEFAULT_TIME_LIMIT
    """Longest time for one call; a longer one is a failed attempt (`TimeoutError`)."""
    rate: Rate | None = None
    concurrency: int = 1
    """How many messages, of different keys, a process handles at once."""

    def __post_init__(self) -> None:
        if self.time_limit <= timedelta(0):
            raise ValueError(f"{self.name}: time_limit: more than nothing")
        if self.concurrency < 1:
            raise ValueError(f"{self.name}: concurrency: at least 1")

    @property
    def limited(self) -> bool:
        """Whether its messages are stored first and handled apart from the queue, within its
        limits.
        """
        return self.rate is not None or self.concurrency > 1


@dataclass(slots=True)
class Invocation:
    """One event for one subscription."""

    delivery: Delivery
    received: Received[Event]
    subscription: Subscription

    @property
    def ordering_key(self) -> tuple[str, str, str]:
        """Subscription, source and key: within an ordering key, effects keep their order."""
        return (self.subscription.name, self.received.source, self.received.key)


def on(
    event: type[E],
    handler: Callable[[Tx, Received[E]], Awaitable[None]],
    *,
    name: str,
    retry: RetrySchedule = DEFAULT_RETRY,
    behind_failed: BehindFailed = "wait",
    history: bool = False,
    time_limit: timedelta = DEFAULT_TIME_LIMIT,
    rate: Rate | None = None,
    concurrency: int = 1,
) -> Subscription:
    """Consume `event`, one at a time.

    The handler gets an open transaction and the received event, and never commits. If it returns,
    the event is handled. `Reject` makes the message a dead letter at once; `Later` postpones it
    without spending an attempt; any other exception is retried on the schedule. `name` is a literal
    that must never change, since the inbox identifies the handler by it.

    While a message of a key fails, later ones of the key wait behind it in order;
    ``behind_failed="skip"`` lets them pass. With `history` a service that is new to this event
    first consumes the past events in the owner's log, in order, and then live ones: nothing is
    missed or duplicated. A handler that exceeds `time_limit` is cancelled, and the attempt has
    failed. With a `rate` or a `concurrency` above 1 its messages are first stored in the database
    and handled from there, in the order of each key, so that it delays no other handler of the
    queue.
    """
    return Subscription(
        event, name, handler, None, retry, behind_failed, history, time_limit, rate, concurrency
    )


def on_batch(
    event: type[E],
    handler: Callable[[Tx, Sequence[Received[E]]], Awaitable[None]],
    *,
    name: str,
    retry: RetrySchedule = DEFAULT_RETRY,
    behind_failed: BehindFailed = "wait",
    history: bool = False,
    time_limit: timedelta = DEFAULT_TIME_LIMIT,
    rate: Rate | None = None,
    concurrency: int = 1,
) -> Subscription:
    """Consume `event` in batches: the handler gets the events of that name in a batch, in order.

    If it raises or exceeds `time_limit`, each half of the batch is handled again, down to batches
    of one.
    """
    return Subscription(
        event, name, None, handler, retry, behind_failed, history, time_limit, rate, concurrency
    )
