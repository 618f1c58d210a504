"""Request and response bodies of interviews."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from hirewire.kit.models import Answer, Body, text
from hirewire.kit.time_zones import TimeZone
from hirewire.vacancies.interviews.rules import LONGEST, MOST_SLOTS, SHORTEST, Act, State
from hirewire.vacancies.parties import Party, Side

Local = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$")]
Words = Annotated[str, text(1, 2_000)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class SlotIn(Body):
    """A time, by the clocks of the interview's zone."""

    local: Local
    """Day and time without an offset: `2026-11-30T10:00`."""
    fold: Literal[0, 1] | None = None
    """Which of the two, where clocks are put back and show this time twice: 0 is the first."""


class NewInterview(Body):
    """Times to choose from."""

    slots: Annotated[list[SlotIn], Field(min_length=1, max_length=MOST_SLOTS)]
    time_zone: TimeZone
    minutes: Annotated[int, Field(ge=SHORTEST, le=LONGEST)]
    place: Annotated[str, text(1, 500)] | None = None
    """An address or a link. It stands in the calendar."""
    note: Words | None = None
    """For the candidate to read on the page; in no mail."""


class MovedInterview(NewInterview):
    """Other times to choose from."""

    version: Version
    """The version that is moved."""


class Choice(Body):
    """The chosen time."""

    start: datetime
    version: Version


class Refusal(Body):
    """Why an interview is declined or called off, for the other side to read."""

    message: Words | None = None
    version: Version


class Wish(Body):
    """The wish for other times."""

    message: Words
    version: Version


class Interview(Answer):
    """An interview, as one side sees it."""

    id: UUID
    application_id: UUID
    side: Party
    """The caller's side."""
    version: int
    """Send it with what you do, so that you do not undo what you have not seen."""
    state: State
    """`proposed`: a time can be chosen. `asked`: the candidate asks for other times. `chosen`: the
    time is agreed. `expired`: all times have passed, and none was chosen.
    """
    time_zone: str
    minutes: int
    slots: list[datetime]
    """The proposed times, in UTC."""
    starts_at: datetime | None
    """The chosen time; of a cancelled interview, the one that was chosen."""
    place: str | None
    note: str | None
    reply: str | None
    """What the side said that declined, asked for other times or called it off."""
    cancelled_by: Side | None
    mine: bool
    """Whether the caller proposed it for the company."""
    updated_at: datetime
    vacancy_id: UUID
    vacancy_title: str
    company_id: UUID
    company_name: str
    resume_id: UUID
    allowed_actions: list[Act]
    overlaps: list[UUID]
    """For the employer: other applications with which who proposed this has an interview, agreed or
    proposed, at an overlapping time.
    """


class Interviews(Answer):
    """The interviews of an application."""

    items: list[Interview]
