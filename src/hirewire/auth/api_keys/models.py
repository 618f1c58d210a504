"""Request and response bodies of API keys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from hirewire.auth.api_keys import rules
from hirewire.auth.api_keys.rules import Scope
from hirewire.kit.models import Answer, Body, text

Days = Annotated[int, Field(ge=1, le=rules.LONGEST_DAYS)]
Password = Annotated[str | None, Field(max_length=1000, repr=False)]


class NewKey(Body):
    """An API key to make."""

    name: Annotated[str, text(1, 100)]
    """Colleagues read it beside what the key does."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    days: Days = 365
    """After so many days it expires."""
    requests_per_minute: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """A lower limit than that of the board."""
    password: Password = None
    """The current password, of an account that has one."""


class Rotation(Body):
    """A new secret for an API key."""

    days: Days = 365
    """After so many days the new secret expires."""
    overlap_hours: Annotated[int, Field(ge=0, le=rules.LONGEST_OVERLAP_HOURS)] = 24
    """How long the secret before still works."""
    password: Password = None
    """The current password, of an account that has one."""


class Key(Answer):
    """An API key, without its text."""

    id: UUID
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime


class KeyInUse(Key):
    """An API key of your company."""

    created_by: str | None
    """The address of who made it; null if they do not act for the company any more."""
    used_at: datetime | None
    """The last use, exact to the hour."""
    requests_per_minute: int
    rotating: bool
    """Whether the secret before the newest one still works."""


class MadeKey(Key):
    """An API key with its text: no other answer has it."""

    key: str
    previous_ends_at: datetime | None = None
    """After a rotation: when the text before stops working."""


class Keys(Answer):
    """Your company's API keys, the newest first."""

    items: list[KeyInUse]


class Presented(Body):
    """An API key that somebody presents to the gateway."""

    key: Annotated[str, Field(max_length=200, repr=False)]
    asked: Annotated[int, Field(ge=1, le=100)]
    """How many requests the gateway would let through on its own."""


class Admitted(Answer):
    """The access token for it, and how many requests the gateway may let through."""

    access_token: str
    limit: int
    granted: int
    used: int
    """Of the limit, those granted included."""
    seconds: float
    """Until the limit begins again."""
