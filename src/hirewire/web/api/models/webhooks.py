"""Answers of `notifications` about webhooks."""

from collections.abc import Mapping

from hirewire.web.api.models.base import Model, Moment


class Webhook(Model):
    """A receiver of events."""

    id: str
    owner: str
    url: str
    events: tuple[str, ...]
    createdAt: Moment
    on: bool
    offAt: Moment | None = None
    offReason: str | None = None
    failures: int = 0
    failingSince: Moment | None = None
    waiting: int = 0
    dead: int = 0
    oldSecretUntil: Moment | None = None


class Webhooks(Model):
    """All of an owner."""

    items: tuple[Webhook, ...]


class WebhookSecret(Model):
    """A new secret. It is not shown again."""

    secret: str


class NewWebhook(Webhook):
    """A new webhook with its secret."""

    secret: str


class OfferedEvents(Model):
    """The events to choose from."""

    events: tuple[str, ...]


class Delivery(Model):
    """A line of the list of deliveries."""

    id: str
    webhookMessageId: str
    event: str
    at: Moment
    state: str
    attempts: int
    endedAt: Moment | None = None
    nextAttemptAt: Moment | None = None
    lastAt: Moment | None = None
    lastStatus: int | None = None
    lastError: str | None = None


class Attempt(Model):
    """A request and the answer to it."""

    at: Moment
    seconds: float
    url: str
    status: int | None = None
    error: str | None = None
    headers: Mapping[str, str] = {}
    body: str | None = None
    isCut: bool = False


class WholeDelivery(Model):
    """A delivery with the request and all answers."""

    id: str
    webhookMessageId: str
    event: str
    at: Moment
    state: str
    endedAt: Moment | None = None
    body: str
    isCut: bool = False
    attempts: tuple[Attempt, ...] = ()


class Replayed(Model):
    """How many deliveries are sent again."""

    count: int
