"""When mails about notices are due, in the time zone of their reader, and which ids they have."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple
from uuid import UUID

from hirewire.notifications.quiet import instant, quiet_until

DAILY_AT: Final = time(8)
"""When daily mails come, and on Mondays weekly ones, by the reader's clock."""
BURST: Final = timedelta(minutes=1)
"""What happens within this time after a mail is gathered in the next one."""
EVER: Final = datetime.max.replace(tzinfo=UTC)
_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reader:
    """What decides when a person gets mails."""

    zone: tzinfo
    quiet: tuple[int, int] | None = None
    """The minutes of the day from and until which nothing arrives."""
    mailed_at: datetime | None = None
    """When the last mail about notices was queued."""


class Mailed(NamedTuple):
    """What a mail says of a notice: by this it is the same one after a backup was restored."""

    event_id: UUID
    kind: str
    about_id: UUID | None
    mails: int
    """How many mails the notice was in before."""
    counted: int


def mail_id(user_id: UUID, notices: Iterable[Mailed]) -> UUID:
    """The id of a mail, which is in its `Message-ID`: it follows from what the mail is about.

    A UUIDv7 of the time of the first event, the rest from a digest.
    """
    about = list(notices)
    parts = sorted(" ".join(map(str, one)) for one in about)
    digest = hashlib.sha256("\n".join([str(user_id), *parts]).encode()).digest()
    rest = int.from_bytes(digest[:10]) & ~(0xF << 76) & ~(0b11 << 62)
    first = min(one.event_id.int for one in about) >> 80
    return UUID(int=first << 80 | 0x7 << 76 | 0b10 << 62 | rest)


def due(reader: Reader, every: str, moment: datetime) -> datetime | None:
    """Up to when what waits is due at this moment; None: nothing is."""
    if _quiet_until(reader, moment) is not None:
        return None
    if every == "at_once":
        return None if _in_burst(reader, moment) else EVER
    return _before(every, moment, reader.zone)


def next_time(reader: Reader, every: str, moment: datetime) -> datetime:
    """When to look next at what waits, after this moment."""
    if every != "at_once":
        found = _after(every, moment, reader.zone)
    elif reader.mailed_at is not None and _in_burst(reader, moment):
        found = reader.mailed_at + BURST
    else:
        found = moment
    quiet = _quiet_until(reader, found)
    return found if quiet is None else quiet


def _quiet_until(reader: Reader, moment: datetime) -> datetime | None:
    begins, ends = reader.quiet or (None, None)
    return quiet_until(moment, reader.zone, begins, ends)


def _in_burst(reader: Reader, moment: datetime) -> bool:
    """A clock that was put back does not make it longer."""
    since = reader.mailed_at
    return since is not None and since <= moment < since + BURST


def _before(every: str, moment: datetime, zone: tzinfo) -> datetime:
    """The last regular moment, at the latest now."""
    if every == "hourly":
        return moment - _past_the_hour(moment, zone)
    day = _first_day(every, moment, zone)
    found = instant(day, DAILY_AT, zone)
    return found if found <= moment else instant(day - _step(every), DAILY_AT, zone)


def _after(every: str, moment: datetime, zone: tzinfo) -> datetime:
    """The next regular moment."""
    if every == "hourly":
        return moment - _past_the_hour(moment, zone) + _HOUR
    day = _first_day(every, moment, zone)
    found = instant(day, DAILY_AT, zone)
    return found if found > moment else instant(day + _step(every), DAILY_AT, zone)


def _past_the_hour(moment: datetime, zone: tzinfo) -> timedelta:
    there = moment.astimezone(zone)
    return timedelta(minutes=there.minute, seconds=there.second, microseconds=there.microsecond)


def _first_day(every: str, moment: datetime, zone: tzinfo) -> date:
    """Today, or this week's Monday."""
    day = moment.astimezone(zone).date()
    return day - timedelta(days=day.weekday()) if every == "weekly" else day


def _step(every: str) -> timedelta:
    return _WEEK if every == "weekly" else _DAY
