"""The calendar files that go with mails about interviews."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from hirewire.kit.calendars import KIND, Address, Meeting, Method, calendar_of
from hirewire.kit.mail.letters import Attachment, Language
from hirewire.notifications.kinds import Side

NAME: Final = "interview.ics"


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutInterview:
    """An interview as it stands while a mail about it is sent."""

    id: UUID
    application_id: UUID
    version: int
    state: str
    starts_at: datetime | None
    """The agreed time, or the one that was called off."""
    minutes: int | None
    time_zone: str | None
    place: str | None
    at: datetime
    """Of its last change."""
    employer_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who gets the file."""

    user_id: UUID
    email: str
    side: Side
    language: Language
    had_entry: bool = False
    """Whether an earlier file has entered it, and the person may not be concerned any more."""


def method_of(its: AboutInterview, reader: Reader) -> Method | None:
    """Whether the file enters the interview or takes it out; None: there is none.

    Of a company, it is for who proposed the interview: it is in no calendar of colleagues.
    """
    if its.starts_at is None or its.minutes is None or its.time_zone is None:
        return None
    if reader.side == "employer" and its.employer_id != reader.user_id:
        return "CANCEL" if reader.had_entry else None
    return "REQUEST" if its.state == "chosen" else "CANCEL"


def calendar_file(
    its: AboutInterview,
    reader: Reader,
    *,
    vacancy: str | None,
    other: str | None,
    sender: Address,
    site: str,
) -> Attachment | None:
    """The file of an interview for one reader. `other` is the company's name, or the resume's title
    for the company.
    """
    method = method_of(its, reader)
    if method is None or its.starts_at is None:
        return None
    meeting = Meeting(
        id=its.id,
        version=its.version,
        changed_at=its.at,
        starts_at=its.starts_at,
        minutes=its.minutes or 0,
        time_zone=its.time_zone or "UTC",
        about=" – ".join(part for part in (vacancy, other) if part),
        link=f"{site}/applications/{its.application_id}",
        place=its.place if method == "REQUEST" else None,
    )
    content = calendar_of(
        [meeting],
        method=method,
        host=urlsplit(site).hostname or "localhost",
        organizer=sender,
        reader=Address(reader.email.partition("@")[0], reader.email),
        language=reader.language,
    )
    return Attachment(NAME, KIND, content.decode(), {"method": method})
