"""The lifetime of signing keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SUCCESSOR_AFTER = timedelta(days=30)
"""The age at which a key gets a successor."""
AHEAD = timedelta(days=1)
"""How long a successor is published before its first use, so that every service has it by then."""
SPARE = timedelta(days=2)
"""How much longer a key may sign when its successor is late because `auth` was down."""
PLAIN_FOR = timedelta(minutes=30)
"""How long a key that an older version stored readable stays so beside its encrypted form: its
processes may still run and sign with it."""
ANNOUNCED_EVERY = timedelta(hours=12)
"""How often a key is published again. The log is kept for a day at least, so it has each key."""
LAST_TOKENS = timedelta(minutes=15)
"""How long a key is accepted after its last signature: longer than the lifetime of a token."""


@dataclass(frozen=True, slots=True)
class KeyLife:
    """The lifetime of one key."""

    not_before: datetime
    """When the key is created and published. Services accept it from then on."""
    sign_from: datetime
    sign_until: datetime
    """The latest time at which it signs. It stops earlier when its successor starts."""
    not_after: datetime

    def signs_at(self, moment: datetime) -> bool:
        """Whether the key may sign then."""
        return self.sign_from <= moment < self.sign_until


def next_key(newest: KeyLife | None, moment: datetime) -> KeyLife | None:
    """The lifetime of the key to create now; None when no key is due.

    The first key signs at once, a later one a day after it is published. If the newest key expires
    before that, because the service was down, its successor starts when it expires.
    """
    if newest is None:
        return _life(moment, moment)
    if moment < newest.not_before + SUCCESSOR_AFTER:
        return None
    return _life(moment, min(moment + AHEAD, max(moment, newest.sign_until)))


def _life(made: datetime, sign_from: datetime) -> KeyLife:
    sign_until = made + SUCCESSOR_AFTER + AHEAD + SPARE
    return KeyLife(made, sign_from, sign_until, sign_until + LAST_TOKENS)
