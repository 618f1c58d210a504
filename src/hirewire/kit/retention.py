"""What the services that delete old data by a setting share: how long people are asked before."""

from calendar import monthrange
from datetime import datetime, timedelta

ASKED_BEFORE = timedelta(days=14)
"""How long before the deletion the mail that asks is queued."""
MARGIN = timedelta(days=1)
"""Added, since the clocks of two services, or of one before and after a restart, may differ."""
A_MOMENT = timedelta(microseconds=1)
"""Between asking and keeping, when the clock of the one who asked is ahead."""


def months_before(moment: datetime, months: int) -> datetime:
    """The same day and time, this many months earlier; the last day of a shorter month."""
    number = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(number, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
