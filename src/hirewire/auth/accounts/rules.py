"""The limits on registrations from one network."""

from datetime import datetime, timedelta

REGISTRATIONS_WINDOW = timedelta(hours=1)
TAKEN_ANSWERS = 5
"""How often one network learns within the window that an address is registered. After that, every
registration from it gets the answer "too many", whatever the address."""
TAKEN_MAILS_WINDOW = timedelta(days=1)
"""At most one mail in this time notifies the owner of attempts to register with their address."""


def wait(registrations: int, oldest: datetime | None, most: int, moment: datetime) -> timedelta:
    """How long to wait after this number of registrations in the window; zero if one is allowed.

    `oldest` is the time of the first registration: when it leaves the window, one more is allowed.
    """
    if registrations < most or oldest is None:
        return timedelta(0)
    return max(oldest + REGISTRATIONS_WINDOW - moment, timedelta(0))
