"""Bodies of requests and responses about what a person wants."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from hirewire.kit.models import Answer, Body
from hirewire.notifications.kinds import DEFAULTS, Frequency, Kind, Side
from hirewire.notifications.preferences.commands import Quiet

TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]


class QuietHours(Body):
    """From when until when no mail and no push arrives; past midnight if `until` is earlier."""

    begins: TimeOfDay = Field(alias="from")
    until: TimeOfDay

    @model_validator(mode="after")
    def _are_hours(self) -> Self:
        if self.begins == self.until:
            raise PydanticCustomError("no_quiet_hours", "must begin and end at different times")
        return self

    @classmethod
    def of(cls, quiet: Quiet) -> Self:
        """From the minutes of a day."""
        return cls(begins=_time(quiet.begins), until=_time(quiet.ends))

    @property
    def minutes(self) -> Quiet:
        """As minutes of a day."""
        return Quiet(_minutes(self.begins), _minutes(self.until))


class Choice(Body):
    """How you want to be notified of a kind."""

    kind: Kind
    mail: Frequency
    push: bool


class Choices(Body):
    """What is to be changed. What is left out stays."""

    quiet: QuietHours | None = None
    """Null: none."""
    kinds: Annotated[list[Choice], Field(max_length=len(DEFAULTS))] = []

    @field_validator("kinds")
    @classmethod
    def _once_each(cls, value: Sequence[Choice]) -> Sequence[Choice]:
        if len({one.kind for one in value}) < len(value):
            raise PydanticCustomError("kind_twice", "must name each kind once")
        return value


class ChosenKind(Answer):
    """How you are notified of a kind."""

    kind: Kind
    side: Side | None
    """Who gets notices of it; null: applicants and companies."""
    mail: Frequency
    push: bool


class Email(Answer):
    """Whether mails reach you."""

    state: Literal["ok", "stopped"]
    """`stopped`: mails to your address came back, or were called spam. For a new address it is
    `ok` again.
    """


class Unsubscribed(Answer):
    """What the token of a mail's link switches off."""

    email: str
    """The address, masked: `a***@example.org`."""
    kinds: list[Kind]


class Preferences(Answer):
    """How you are notified of what has happened."""

    language: str | None
    """Of mails; `PATCH /api/auth/me` changes it."""
    time_zone: str | None
    """Of quiet hours and daily mails; null: the board's. `PATCH /api/auth/me` changes it."""
    quiet: QuietHours | None
    kinds: list[ChosenKind]
    email: Email


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
