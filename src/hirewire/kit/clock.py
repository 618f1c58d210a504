"""The current time, and the current day in the board's time zone."""

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

_zone: tzinfo = UTC


def use_zone(name: str) -> None:
    """Set the board's time zone. Called once, when a process starts."""
    global _zone
    _zone = UTC if name == "UTC" else ZoneInfo(name)


def zone() -> tzinfo:
    """The board's time zone."""
    return _zone


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The current day in the board's time zone."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The day of a moment in the board's time zone."""
    return local(moment).date()


def local(moment: datetime) -> datetime:
    """The moment in the board's time zone."""
    return moment.astimezone(_zone)


def end_of(day: date) -> datetime:
    """The last second of a day in the board's time zone."""
    return datetime.combine(day, time(23, 59, 59), _zone)
