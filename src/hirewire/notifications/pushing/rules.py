"""Decides whether and when a push is sent, and what follows from the answer of a push service."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal, TypeAlias

TTL = timedelta(days=1)
"""How long a push service keeps a push for a device that is off."""
GIVE_UP_AFTER = timedelta(days=2)
"""A push that could not be sent for so long says nothing new any more."""
PAUSES = (10, 60, 300, 900, 1800, 3600)
"""Seconds before a device that could not be reached is tried again; the last one repeats."""
LONGEST_WAIT = timedelta(days=1)
"""The longest that a push service can make us wait."""
GONE = frozenset({404, 410})
"""The browser has ended the subscription, and it never comes back (RFC 8030, 7.3)."""
LOST_FAILURES, LOST_AFTER = 20, timedelta(days=7)
"""A device that failed so often in a row, for so long, is deleted."""

Verdict: TypeAlias = Literal["sent", "gone", "too_large", "again"]


@dataclass(frozen=True, slots=True)
class Failing:
    """How often a device could not be reached in a row, and since when."""

    failures: int
    since: datetime

    @property
    def pause(self) -> timedelta:
        """How long to wait before the next attempt."""
        return timedelta(seconds=PAUSES[min(self.failures, len(PAUSES)) - 1])

    def is_lost(self, moment: datetime) -> bool:
        """Whether to give the device up."""
        return self.failures >= LOST_FAILURES and moment - self.since >= LOST_AFTER


def verdict(status: int) -> Verdict:
    """What an answer means for the push. All refusals but two may pass: our clock may be wrong."""
    if 200 <= status < 300:
        return "sent"
    if status in GONE:
        return "gone"
    return "too_large" if status == 413 else "again"


def wait_of(retry_after: str | None, moment: datetime) -> timedelta:
    """How long `Retry-After` (RFC 9110) says to wait; nothing if it says nothing sensible."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:10]), 10**6)), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return timedelta()
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(timedelta(), min(until - moment, LONGEST_WAIT))
