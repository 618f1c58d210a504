"""Subscriptions: one typed row for each."""

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
"""Stands for the subscription of a message that reached no handler."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many messages in a time, all replicas together; as many may come at once."""

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
    """One handler of one event; made by `on` or `on_batch`. Exactly one handler is set."""

    event: type[Event]
    name: str
    """Stable: part of the inbox's key."""
    handler: Callable[[Tx, Received[Any]], Awaitable[None]] | None
    batch_handler: Callable[[Tx, Sequence[Received[Any]]], Awaitable[None]] | None
    retry: RetrySchedule
    behind_failed: BehindFailed
    history: bool
    """Whether a service that is new to the event first consumes what its owner's log holds."""
    time_limit: timedelta = DEFAULT_TIME_LIMIT
    """How long one call of the handler may take; longer is a failed attempt (`TimeoutError`)."""
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
        """Whether its messages are kept first, and handled beside the queue, as its limits say."""
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

    The handler gets an open transaction and the event as received. Returning means done;
    `Reject` dead at once; `Later` again without spending an attempt; any other exception a
    retry by the schedule. It never commits.

    `name` is a literal that is never changed: the inbox knows the handler by it. While a message
    of a key fails, later ones of the key wait behind it in order; ``behind_failed="skip"``
    lets them pass. With `history` a service that is new to this event consumes first what the
    owner's log still holds, in order, and then the present: nothing missed, nothing twice.
    A handler that takes longer than `time_limit` is cancelled, and that attempt has failed.

    With a `rate` or a `concurrency` above 1 its messages are kept in the database first and handled
    from there, in the order of each key, so that it holds up no other handler of the queue.
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
    """Consume `event` in batches: the handler gets the events of that name in the batch, in order.

    If it raises, or takes longer than `time_limit`, the batch is taken again in halves, down to
    batches of one.
    """
    return Subscription(
        event, name, None, handler, retry, behind_failed, history, time_limit, rate, concurrency
    )
