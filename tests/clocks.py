"""A clock of the services that a test moves; tokens go on by the real one."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from hirewire.kit import clock

TOKENS = "hirewire.kit.tokens"


class Clock:
    """The real time, and how far the services' clock is ahead of it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """Replaces `hirewire.kit.clock.now`."""
        return datetime.now(UTC) + self.ahead


def moved(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock for all loaded modules of hirewire that import `now` by name."""
    made, real = Clock(), clock.now
    for name, module in list(sys.modules.items()):
        ours = name.startswith("hirewire.") and name != TOKENS
        if ours and getattr(module, "now", None) is real:
            monkeypatch.setattr(module, "now", made.now)
    return made
