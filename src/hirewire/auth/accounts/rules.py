"""The limit on registrations from one network."""

from datetime import datetime, timedelta

REGISTRATIONS_WINDOW = timedelta(hours=1)


def wait(registrations: int, oldest: datetime | None, most: int, moment: datetime) -> timedelta:
    """How long to wait after this number of registrations in the window; zero if one is allowed.

    `oldest` is the time of the first registration: when it leaves the window, one more is allowed.
    """
    if registrations < most or oldest is None:
        return timedelta(0)
    return max(oldest + REGISTRATIONS_WINDOW - moment, timedelta(0))
