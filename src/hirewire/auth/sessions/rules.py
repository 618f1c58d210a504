"""How long sessions live, and how often a login may fail."""

from dataclasses import dataclass
from datetime import datetime, timedelta

REFRESH_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=90)
DOUBLE_SUBMIT = timedelta(seconds=10)
FAILURES_WINDOW = timedelta(minutes=15)
FAILURES_OF_PAIR = 10
"""Failed logins of one account from one network. Counted by the pair, so that nobody can lock
somebody else out from where they live."""
FAILURES_OF_NETWORK = 100
"""From here on each account has fewer tries from this network, unless it was logged in to from
there before. Whoever has the right password still gets in."""
TRIES_FROM_BAD_NETWORK = 3
FAILURES_OF_ACCOUNT = 50
"""Of one account from all networks together. From here on it is open only to networks from which
it was logged in to before."""
PLACE_LIFE = SESSION_LIFE
"""How long a network is remembered as one from which an account was logged in to."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed logins within the window, and when the oldest of them was."""

    of_pair: int
    oldest_of_pair: datetime | None
    of_account: int
    oldest_of_account: datetime | None
    of_network: int


def wait(failures: Failures, is_known: bool, moment: datetime) -> timedelta:
    """How long a login of this account may not be tried from this network; zero: it may.

    `is_known`: the account was logged in to from there before.
    """
    bad = failures.of_network >= FAILURES_OF_NETWORK and not is_known
    most = TRIES_FROM_BAD_NETWORK if bad else FAILURES_OF_PAIR
    of_pair = pause(failures.of_pair, failures.oldest_of_pair, most, moment)
    if is_known:
        return of_pair
    oldest = failures.oldest_of_account
    return max(of_pair, pause(failures.of_account, oldest, FAILURES_OF_ACCOUNT, moment))


def pause(failures: int, oldest: datetime | None, most: int, moment: datetime) -> timedelta:
    """How long no login may be tried after so many failures in the window; zero: it may.

    `oldest` is when the first of them was; when it leaves the window, there is room for one.
    """
    if failures < most or oldest is None:
        return timedelta(0)
    return max(oldest + FAILURES_WINDOW - moment, timedelta(0))
