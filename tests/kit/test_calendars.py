"""Calendar files: read back by two libraries, whatever people write, and through clock changes."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event
from icalendar import Calendar

from hirewire.kit.calendars import Address, Meeting, Method, calendar_of
from hirewire.kit.mail.letters import Attachment, Letter, Sender, as_message

BOARD = Address("Hirewire", "no-reply@jobs.example")
ANNA = Address("Anna", "anna@example.org")
ID = UUID("01912d64-8e11-7c35-b6d2-3f7a9c1e5b84")
CHANGED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def meeting(starts_at: datetime, zone: str = "Europe/Berlin", **changes: object) -> Meeting:
    values: dict[str, object] = {
        "id": ID,
        "version": 2,
        "changed_at": CHANGED,
        "starts_at": starts_at,
        "minutes": 45,
        "time_zone": zone,
        "about": "Cook – Acme",
        "link": "https://jobs.example/applications/1",
        "place": "Main street 1",
    }
    return Meeting(**values | changes)  # type: ignore[arg-type]


def event_of(text: str) -> Event:
    """The only event of a file, as the second library reads it."""
    [event] = IcsCalendarStream.calendar_from_ics(text).events
    return event


def moment_of(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value


def made(*meetings: Meeting, method: Method = "REQUEST") -> str:
    return calendar_of(
        meetings, method=method, host="jobs.example", organizer=BOARD, reader=ANNA
    ).decode()


@pytest.mark.parametrize(
    ("day", "hour"),
    [((2026, 3, 27), 9), ((2026, 3, 30), 8), ((2026, 10, 24), 8), ((2026, 10, 26), 9)],
)
def test_ten_o_clock_in_berlin_is_ten_o_clock_before_and_after_the_clocks_change(
    day: tuple[int, int, int], hour: int
) -> None:
    start = datetime(*day, hour, tzinfo=UTC)
    text = made(meeting(start))
    event = event_of(text)
    assert event.dtstart == datetime(*day, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    assert moment_of(event.dtend) - moment_of(event.dtstart) == timedelta(minutes=45)
    assert f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%d}T100000" in text
    # With the rules in the file alone, as a program without a database of zones reads it.
    alone = Calendar.from_ical(text.replace("Europe/Berlin", "Custom"))
    [own] = alone.walk("VEVENT")
    assert own.decoded("dtstart").astimezone(UTC) == start


def test_a_time_that_clocks_show_twice_is_in_utc() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert "DTSTART:20261025T013000Z" in made(meeting(second))
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert "DTEND:20261025T013000Z" in made(meeting(first, minutes=60)), "the end is the second"


@settings(max_examples=40)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
    ),
    st.integers(5, 480),
)
def test_a_second_library_reads_the_same_moments(start: datetime, zone: str, minutes: int) -> None:
    start = start.replace(microsecond=0, tzinfo=UTC)
    text = made(meeting(start, zone, minutes=minutes))
    event = event_of(text)
    assert moment_of(event.dtstart) == start
    assert moment_of(event.dtend) == start + timedelta(minutes=minutes)


def test_a_request_has_what_calendars_need_and_nobody_elses_address() -> None:
    text = made(meeting(CHANGED + timedelta(days=9)))
    calendar = Calendar.from_ical(text)
    assert (calendar["method"], calendar["version"]) == ("REQUEST", "2.0")
    [event] = calendar.walk("VEVENT")
    assert (event["uid"], event["sequence"]) == (f"{ID}@jobs.example", 2)
    assert (str(event["status"]), event.decoded("dtstamp")) == ("CONFIRMED", CHANGED)
    assert event["organizer"] == "mailto:no-reply@jobs.example"
    assert event["attendee"] == "mailto:anna@example.org"
    assert event["attendee"].params["PARTSTAT"] == "ACCEPTED"
    assert [one.decoded("trigger") for one in event.walk("VALARM")] == [
        timedelta(days=-1),
        timedelta(hours=-1),
    ]
    assert "BEGIN:VTIMEZONE" in text
    off = made(meeting(CHANGED + timedelta(days=9), version=3), method="CANCEL")
    [event] = Calendar.from_ical(off).walk("VEVENT")
    assert (event["uid"], event["sequence"]) == (f"{ID}@jobs.example", 3)
    assert str(event["status"]) == "CANCELLED"
    assert event.walk("VALARM") == []


@settings(max_examples=40)
@given(st.text(max_size=600), st.text(max_size=300))
def test_whatever_people_write_adds_no_line(about: str, place: str) -> None:
    evil = f'{place}\r\nATTENDEE:mailto:eve@evil.example\nEND:VEVENT\r{about};,\\"\x00\x0b\u2028'
    text = calendar_of(
        [meeting(CHANGED, about=f"{about}\r\nX-EVIL:1", place=evil)],
        method="REQUEST",
        host="jobs.example",
        organizer=Address(f"Acme\r\nX-EVIL:2 {about}", "no-reply@jobs.example"),
        reader=ANNA,
    )
    lines = text.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    names = [line.split(b":")[0].split(b";")[0] for line in lines if not line.startswith(b" ")]
    assert names.count(b"ATTENDEE") == 1
    assert b"X-EVIL" not in names
    assert b"\n" not in text.replace(b"\r\n", b"")
    event = event_of(text.decode())
    assert "eve@evil.example" in (event.location or "")
    assert [one.uri for one in event.attendees] == ["mailto:anna@example.org"]


def test_a_feed_of_many_has_each_zone_once() -> None:
    zones = ["Europe/Berlin", "Asia/Tokyo", "UTC"]
    many = [meeting(CHANGED + timedelta(days=nth), zones[nth % 3], id=uuid4()) for nth in range(90)]
    text = made(*many, method="PUBLISH")
    assert text.count("BEGIN:VTIMEZONE") == 2
    assert len(IcsCalendarStream.calendar_from_ics(text).events) == 90
    assert IcsCalendarStream.calendar_from_ics(made(method="PUBLISH")).events == []


def test_a_mail_carries_the_file_as_a_calendar_part_and_survives_the_queue() -> None:
    content = made(meeting(CHANGED, place="Улица 1"))
    letter = Letter(
        to="anna@example.org",
        language="en",
        subject="Interview",
        lines=["On Monday."],
        attachments=[Attachment("interview.ics", "text/calendar", content, {"method": "REQUEST"})],
    )
    again = Letter.from_json(letter.to_json())
    sender = Sender("no-reply@jobs.example", "Hirewire", "https://jobs.example")
    sent = message_from_bytes(
        as_message(uuid4(), again, sender, CHANGED).as_bytes(policy=SMTP), policy=SMTP
    )
    assert sent.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in sent.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    [part] = sent.iter_attachments()
    assert part.get_param("method") == "REQUEST"
    assert part.get_filename() == "interview.ics"
    assert part.get_content() == content
    with pytest.raises(ValueError, match="header"):
        Attachment("a\r\nBcc: eve@evil.example", "text/calendar", content)


def test_a_letter_of_an_earlier_version_has_no_attachments() -> None:
    letter = Letter(to="anna@example.org", language="en", subject="Hi", lines=[])
    old = letter.to_json().replace(', "attachments": []', "")
    assert "attachments" not in old
    assert Letter.from_json(old).attachments == []
