"""The time, asked in one place; and the day, which the board's time zone decides."""

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

_zone: tzinfo = UTC


def use_zone(name: str) -> None:
    """Set the time zone in which days begin and end; once, when a process starts."""
    global _zone
    _zone = UTC if name == "UTC" else ZoneInfo(name)


def now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The day that it is on the board."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The day on the board at this moment."""
    return moment.astimezone(_zone).date()


def end_of(day: date) -> datetime:
    """The last second of a day on the board."""
    return datetime.combine(day, time(23, 59, 59), _zone)
