"""Answers of `notifications` about notices."""

from pydantic import Field

from hirewire.web.api.models.base import Model, Moment


class Notice(Model):
    """One notice: what happened, and what it is about."""

    id: str
    kind: str
    at: Moment
    read: bool = False
    count: int = 1
    """How many of this kind it stands for."""
    side: str
    """The reader's side: `applicant` or `employer`."""
    applicationId: str | None = None
    vacancyId: str | None = None
    vacancyTitle: str | None = None
    companyId: str | None = None
    companyName: str | None = None
    resumeId: str | None = None
    resumeTitle: str | None = None
    startsAt: Moment | None = None
    timeZone: str | None = None
    minutes: int | None = None
    searchId: str | None = None
    detail: str | None = None
    """For a moved application, the state that the applicant sees."""


class UnreadNotices(Model):
    """The number of unread notices."""

    count: int


class Wish(Model):
    """How the visitor is notified of a kind."""

    kind: str
    side: str | None = None
    """Who gets notices of it: `applicant`, `employer`, or both."""
    mail: str
    push: bool = False


class QuietHours(Model):
    """From when until when nothing is sent, such as 22:00 and 08:00."""

    begins: str = Field(alias="from")
    until: str


class EmailState(Model):
    """Whether mails are sent to the visitor's address: `ok` or `stopped`."""

    state: str
    reason: str | None = None
    """`bounced` or `complained`."""
    retryAt: Moment | None = None


class Preferences(Model):
    """What the visitor wants to be notified of, how, and when not."""

    quiet: QuietHours | None = None
    kinds: tuple[Wish, ...]
    email: EmailState


class Unsubscription(Model):
    """What the link of a mail switches off."""

    email: str = ""
    """The address, masked: `a***@example.org`."""
    kinds: tuple[str, ...]


class Device(Model):
    """A browser that is notified."""

    id: str
    name: str | None = None
    here: bool = False
    addedAt: Moment
    pushedAt: Moment | None = None
    failingSince: Moment | None = None


class Push(Model):
    """The key that a browser subscribes with, and the browsers that are notified."""

    publicKey: str
    devices: tuple[Device, ...] = ()
