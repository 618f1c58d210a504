"""When signing keys are made, used and let go."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SUCCESSOR_AFTER = timedelta(days=30)
"""The age at which a key gets a successor."""
AHEAD = timedelta(days=1)
"""How long a successor is published before its first use, so that every service has heard it."""
SPARE = timedelta(days=2)
"""How much longer a key may sign when its successor comes late, because `auth` stood still."""
LAST_TOKENS = timedelta(minutes=15)
"""How long a key is accepted after it has signed for the last time: a token's life and more."""


@dataclass(frozen=True, slots=True)
class KeyLife:
    """The times of one key."""

    not_before: datetime
    """Made and published; accepted from now on."""
    sign_from: datetime
    sign_until: datetime
    """It signs until a successor begins to, and at the longest until then."""
    not_after: datetime


def next_key(newest: KeyLife | None, moment: datetime) -> KeyLife | None:
    """The life of the key that is to be made now; None when none is due.

    The very first one signs at once, later ones a day after they were published. After a stop so
    long that the newest would end before that, its successor takes over when it ends.
    """
    if newest is None:
        return _life(moment, moment)
    if moment < newest.not_before + SUCCESSOR_AFTER:
        return None
    return _life(moment, min(moment + AHEAD, max(moment, newest.sign_until)))


def _life(made: datetime, sign_from: datetime) -> KeyLife:
    sign_until = made + SUCCESSOR_AFTER + AHEAD + SPARE
    return KeyLife(made, sign_from, sign_until, sign_until + LAST_TOKENS)
