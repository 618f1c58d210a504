"""When a failed message is retried. Pure functions: an attempt in, a delay or a verdict out."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType


class Reject(Exception):
    """The message can never be handled: it becomes a dead letter at once."""


class Later(Exception):
    """Not now: the message is handled again after `delay`, and no attempt is spent."""

    def __init__(self, delay: timedelta, why: str = "") -> None:
        super().__init__(why or f"again in {delay.total_seconds():g} s")
        self.delay = delay


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Exponential backoff with jitter in the full range around each step.

    The delay after attempt `n` (the first is 1) is ``min(first * factor**(n-1), longest)``, times a
    random factor within ``1 ± jitter``. After `attempts` attempts it gives up. The default spends
    its eight attempts over about 16 minutes. `by_error` has other schedules for some exception
    classes; the most specific class counts, and None means dead at once. All attempts are counted
    together.
    """

    attempts: int = 8
    first: timedelta = timedelta(seconds=1)
    factor: float = 3.0
    longest: timedelta = timedelta(minutes=10)
    jitter: float = 0.2
    by_error: Mapping[type[Exception], "RetrySchedule | None"] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts: at least 1")
        if self.factor < 1 or not 0 <= self.jitter < 1 or self.first < timedelta(0):
            raise ValueError("factor at least 1, jitter in [0, 1), first not negative")
        if any(schedule is not None and schedule.by_error for schedule in self.by_error.values()):
            raise ValueError("by_error: a schedule of an error has no by_error of its own")

    @property
    def most_attempts(self) -> int:
        """The most attempts that any error gets."""
        others = [schedule.attempts for schedule in self.by_error.values() if schedule is not None]
        return max([self.attempts, *others])

    def for_error(self, error: BaseException) -> "RetrySchedule | None":
        """The schedule after this error; None if it must not be retried."""
        for kind in type(error).__mro__:
            if kind in self.by_error:
                return self.by_error[kind]
        return self

    def delay(self, attempt: int, *, draw: float | None = None) -> timedelta | None:
        """The delay after failed attempt number `attempt`; None if it was the last.

        `draw` is a number in [0, 1) in place of a random one.
        """
        if attempt >= self.attempts:
            return None
        steps = min(attempt - 1, 64)
        seconds = min(self.first.total_seconds() * self.factor**steps, self.longest.total_seconds())
        draw = random.random() if draw is None else draw  # noqa: S311  (jitter, not a secret)
        return timedelta(seconds=seconds * (1 - self.jitter + 2 * self.jitter * draw))
