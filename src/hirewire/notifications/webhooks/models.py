"""Bodies of the routes of webhooks."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from hirewire.kit.models import Answer, Body
from hirewire.kit.reach import LONGEST_URL
from hirewire.notifications.webhooks.rules import OffReason, Owner

Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
Events = Annotated[list[str], Field(min_length=1, max_length=50)]
State = Literal["waiting", "delivered", "dead"]


class NewWebhook(Body):
    """A webhook to be added."""

    url: Url
    """Where requests are sent to: https."""
    events: Events
    """Which events: those of `GET /api/notifications/webhooks/events`."""
    owner: Owner = "company"
    """`board`: of the operators."""


class WebhookChange(Body):
    """What is to be changed."""

    url: Url | None = None
    events: Events | None = None
    on: bool | None = None
    """Whether it is sent anything. What waits is sent when it is switched on."""


class Webhook(Answer):
    """A receiver of events."""

    id: UUID
    owner: Owner
    url: str
    events: list[str]
    created_at: datetime
    on: bool
    off_at: datetime | None
    off_reason: OffReason | None
    """`by_hand`; `failing`: every attempt has failed for days; `gone`: it answered 410."""
    failures: int
    """Attempts in a row that have failed."""
    failing_since: datetime | None
    waiting: int
    """Deliveries that wait; counted to 1000."""
    dead: int
    """Deliveries that were given up; counted to 1000."""
    old_secret_until: datetime | None
    """Until when the secret before the last rotation signs, too."""


class Webhooks(Answer):
    """All webhooks of an owner."""

    items: list[Webhook]


class Secret(Answer):
    """A new secret. It is not shown again."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class CreatedWebhook(Webhook, Secret):
    """A new webhook, with its secret, which is not shown again."""


class Offered(Answer):
    """The events that a webhook can be for."""

    events: list[str]


class Delivery(Answer):
    """An event for a webhook."""

    id: UUID
    webhook_message_id: str
    """The header `webhook-id`, which is the same in all attempts."""
    event: str
    at: datetime
    """When the event was recorded."""
    state: State
    attempts: int
    """Since it was entered, or sent again."""
    ended_at: datetime | None
    next_attempt_at: datetime | None
    """Null, too, while an earlier delivery of the same key is not done."""
    last_at: datetime | None
    last_status: int | None
    last_error: str | None


class Attempt(Answer):
    """A request and the answer to it."""

    at: datetime
    seconds: float
    url: str
    status: int | None
    error: str | None
    """Why there was no answer."""
    headers: dict[str, str]
    body: str | None
    """The beginning of the answer."""
    is_cut: bool


class WholeDelivery(Answer):
    """An event for a webhook, with the request and all answers."""

    id: UUID
    webhook_message_id: str
    event: str
    at: datetime
    state: State
    ended_at: datetime | None
    body: str
    """The request's body."""
    is_cut: bool
    """Whether only the beginning of it is kept."""
    attempts: list[Attempt]
    """The newest first."""


class Replayed(Answer):
    """How many dead deliveries are sent again."""

    count: int


class Pinged(Answer):
    """The message that tries the webhook."""

    webhook_message_id: str
