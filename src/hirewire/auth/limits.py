"""The limits on failed logins, and on mails that anybody can ask for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_WINDOW = timedelta(minutes=15)
FAILURES_OF_PAIR = 10
"""Failed logins of one account from one network. The pair is counted, so that an attacker elsewhere
cannot lock the owner out of their own network."""
FAILURES_OF_NETWORK = 100
"""Failed logins from one network. Above this, each account has only `TRIES_FROM_BAD_NETWORK` tries
from there, unless the network is known for the account. The right password still works."""
TRIES_FROM_BAD_NETWORK = 3
FAILURES_OF_ACCOUNT = 50
"""Failed logins of one account from all networks together. Above this, only networks that are known
for the account may log in."""
CALLBACKS_OF_NETWORK = 60
"""Callbacks of sign-in providers from one network, within `FAILURES_WINDOW`, that have signed
nobody in and connected nothing. Each makes `auth` call the provider."""
MAILS_WINDOW = timedelta(hours=1)
MAILS_TO_ACCOUNT = 5
"""Mails of one purpose to one address. Above this, none is sent, and the answer is the same."""
MAILS_FROM_NETWORK = 20
"""Mails of one purpose that one network may ask for; the machine itself is not limited."""
SIGN_IN_MAILS_WINDOW = timedelta(days=1)
SIGN_IN_MAILS = 3
"""Mails to one account about sign-ins from new networks."""
LOCK_MAILS_WINDOW = timedelta(days=1)
"""At most one mail in this time says that failed logins have locked an account."""
PLACE_LIFE = timedelta(days=90)
"""How long a network stays known for an account after a successful login."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Numbers of failed logins within the window, and the time of the oldest ones."""

    of_pair: int
    oldest_of_pair: datetime | None
    of_account: int
    oldest_of_account: datetime | None
    of_network: int


def wait(failures: Failures, is_known: bool, moment: datetime) -> timedelta:
    """How long this account must wait before the next login from this network; zero if not at all.

    `is_known` says whether a login to the account from this network has succeeded before.
    """
    bad = failures.of_network >= FAILURES_OF_NETWORK and not is_known
    most = TRIES_FROM_BAD_NETWORK if bad else FAILURES_OF_PAIR
    of_pair = pause(failures.of_pair, failures.oldest_of_pair, most, moment)
    if is_known:
        return of_pair
    oldest = failures.oldest_of_account
    return max(of_pair, pause(failures.of_account, oldest, FAILURES_OF_ACCOUNT, moment))


def pause(
    tries: int,
    oldest: datetime | None,
    most: int,
    moment: datetime,
    window: timedelta = FAILURES_WINDOW,
) -> timedelta:
    """How long to wait after this number of tries in the window; zero if another one is allowed.

    `oldest` is the time of the first one: when it leaves the window, one more is allowed.
    """
    if tries < most or oldest is None:
        return timedelta(0)
    return max(oldest + window - moment, timedelta(0))
