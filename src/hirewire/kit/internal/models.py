"""Bodies and responses of the operators' API of a service's messaging."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from hirewire.kit.models import Answer, Body
from hirewire.messaging.envelope import MAX_BODY

PREFIX = "/internal/messaging"
MOST_IDS = 10_000


class Overview(Answer):
    """The events a service consumes, and its backlog."""

    service: str
    hears: list[str]
    """The event types that it consumes."""
    unsent: int
    retrying: int
    waiting: int
    dead: int
    queued: int | None
    """None if the broker does not respond, or the service consumes nothing."""
    broker_dead: int | None
    broker: str | None = None
    """Why the broker does not respond; omitted if it does."""


class Flow(Answer):
    """The progress of a service's events."""

    sent: int
    entered: int
    queued: int | None
    """None if the broker does not respond."""
    retained_from: UUID
    """The beginning of the inbox."""


class BarrierOut(Answer):
    """The state of a barrier at its owner."""

    id: UUID
    reached: list[str] = []
    published_at: datetime | None = None
    unsent: int = 0


class RequestIn(Body):
    """A replay or repair request of an operator."""

    kind: Literal["replay", "repair"]
    to: str
    types: list[str] = Field(default=[], max_length=100)
    ids: list[UUID] | None = Field(default=None, max_length=MOST_IDS)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    key: str | None = Field(default=None, max_length=255)
    again: bool = False
    anew: bool = False
    by: str = Field(default="", max_length=200)


class RequestOut(Answer):
    """A replay or repair request and its progress."""

    id: UUID
    kind: str
    asked: dict[str, JsonValue]
    """Its parameters; each kind has its own."""
    asked_by: str
    asked_at: datetime
    state: str
    total: int | None
    done: int
    outcome: str | None
    finished_at: datetime | None
    new: bool = False


class Ids(Body):
    """Event ids."""

    ids: list[UUID] = Field(max_length=MOST_IDS)


class Events(Body):
    """Event ids with their types."""

    events: dict[UUID, str] = Field(max_length=MOST_IDS)


class AcceptIn(Body):
    """Phantom events that an operator accepts, so that the audit no longer lists them."""

    ids: list[UUID] = Field(max_length=MOST_IDS)
    owner: str
    why: str = Field(min_length=1, max_length=500)
    by: str = Field(default="", max_length=200)


class DiscardIn(Body):
    """A message to discard for good."""

    event: UUID
    handler: str | None = None
    why: str = Field(min_length=1, max_length=500)
    by: str = Field(default="", max_length=200)


class EditIn(Body):
    """A new body for a dead letter."""

    event: UUID
    handler: str
    body: str = Field(max_length=MAX_BODY)
    why: str = Field(min_length=1, max_length=500)
    by: str = Field(default="", max_length=200)


class PauseIn(Body):
    """A handler to pause or resume."""

    handler: str
    why: str = Field(default="", max_length=500)
    by: str = Field(default="", max_length=200)


class PauseOut(Answer):
    """A paused handler."""

    subscription: str
    paused_at: datetime
    why: str
    by: str
