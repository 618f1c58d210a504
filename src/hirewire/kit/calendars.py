"""Calendar files (RFC 5545) of interviews, for mails (RFC 5546) and for feeds.

Texts in them come from people: the library escapes and folds them, and control characters are
taken out before, so that nobody can add a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from unicodedata import category
from uuid import UUID
from zoneinfo import ZoneInfo

from hirewire.kit.mail.letters import Language

if TYPE_CHECKING:
    from icalendar import Event, vCalAddress

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
PRODUCT = "-//Hirewire//Interviews//EN"
KIND = "text/calendar"
WARNINGS = (timedelta(days=1), timedelta(hours=1))
"""How long before it begins the calendar reminds of an interview."""
REFRESH = timedelta(hours=1)
"""How often a calendar is to ask for the feed again."""
_YEAR = timedelta(days=366)
_TEXTS = {
    "en": {"interview": "Interview: {about}", "off": "Cancelled: {about}", "name": "Interviews"},
    "ru": {
        "interview": "Интервью: {about}",
        "off": "Отменено: {about}",
        "name": "Интервью",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """An interview as a calendar shows it."""

    id: UUID
    version: int
    """Rises with each change: the SEQUENCE."""
    changed_at: datetime
    starts_at: datetime
    minutes: int
    time_zone: str
    about: str
    """The job, and with whom."""
    link: str
    """The page with all details."""
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A person or the board in a calendar file."""

    name: str
    email: str


def calendar_of(
    meetings: Sequence[Meeting],
    *,
    method: Method,
    host: str,
    organizer: Address,
    reader: Address | None = None,
    language: Language = "en",
) -> bytes:
    """The file with these interviews.

    `host` completes the UIDs. `reader` is the only attendee, and has accepted: nobody is asked for
    an answer, and no other person's address is in the file.
    """
    from icalendar import Calendar  # 3 MiB, for the first interview

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if method == "PUBLISH":
        name = f"{_TEXTS[language]['name']} · {organizer.name}"
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT1H")
    for meeting in meetings:
        calendar.add_component(_event(meeting, method, host, organizer, reader, language))
    if meetings:
        starts = [meeting.starts_at for meeting in meetings]
        calendar.add_missing_timezones(
            first_date=(min(starts) - _YEAR).date(), last_date=(max(starts) + _YEAR).date()
        )
    made: bytes = calendar.to_ical()
    return made


def _event(
    meeting: Meeting,
    method: Method,
    host: str,
    organizer: Address,
    reader: Address | None,
    language: Language,
) -> "Event":
    from icalendar import Alarm, Event

    is_off = method == "CANCEL"
    about = _TEXTS[language]["off" if is_off else "interview"].replace("{about}", meeting.about)
    event = Event()
    event.add("uid", f"{meeting.id}@{host}")
    event.add("sequence", meeting.version)
    event.add("dtstamp", meeting.changed_at.astimezone(UTC))
    event.add("last-modified", meeting.changed_at.astimezone(UTC))
    for name, moment in zip(("dtstart", "dtend"), _times(meeting), strict=True):
        event.add(name, moment)
    event.add("summary", _line(about))
    event.add("description", meeting.link)
    event.add("url", meeting.link)
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    event.add("class", "PRIVATE")
    if meeting.place:
        event.add("location", _line(meeting.place))
    event["organizer"] = _address(organizer)
    if reader is not None:
        attendee = _address(reader)
        attendee.params |= {
            "ROLE": "REQ-PARTICIPANT",
            "PARTSTAT": "DECLINED" if is_off else "ACCEPTED",
            "RSVP": "FALSE",
        }
        event.add("attendee", attendee)
    for before in () if is_off else WARNINGS:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _line(about))
        alarm.add("trigger", -before)
        event.add_component(alarm)
    return event


def _address(address: Address) -> "vCalAddress":
    from icalendar import vCalAddress

    made = vCalAddress(f"mailto:{_line(address.email)}")
    made.params["CN"] = _line(address.name).replace('"', "'")
    return made


def _times(meeting: Meeting) -> tuple[datetime, datetime]:
    """Start and end in the interview's zone; in UTC if clocks show one of them for the second time,
    which a local time in a calendar file cannot say.
    """
    zone = ZoneInfo(meeting.time_zone)
    start = meeting.starts_at.astimezone(UTC)
    end = start + timedelta(minutes=meeting.minutes)
    local = start.astimezone(zone), end.astimezone(zone)
    return (start, end) if any(one.fold for one in local) else local


def _line(text: str) -> str:
    """The text in one line, without control characters."""
    kept = "".join(" " if category(char)[0] in "CZ" else char for char in text)
    return " ".join(kept.split())
