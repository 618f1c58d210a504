"""When an erasure is complete, and when it takes too long."""

from collections.abc import Iterable
from datetime import timedelta

LATE = timedelta(hours=1)
"""An erasure that is open for longer raises an alarm."""


def is_complete(expected: Iterable[str], answered: Iterable[str]) -> bool:
    """Whether all services have answered that were expected to."""
    return set(expected) <= set(answered)
