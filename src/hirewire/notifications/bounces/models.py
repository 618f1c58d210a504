"""What mail providers report: our own form, Postmark's and Mailgun's."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from hirewire.kit.clock import now
from hirewire.kit.models import Answer, Body
from hirewire.notifications.bounces.commands import Reported
from hirewire.notifications.bounces.rules import Bounce, Reason, of_status

Address = Annotated[str, Field(min_length=3, max_length=320)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
SIGNED_WITHIN = timedelta(days=1)
"""How old a signature may be: Mailgun repeats a webhook for eight hours."""


class OneBounce(Body):
    """A mail that was not delivered, or of which its reader complained."""

    id: Id
    """The provider's id of this report."""
    address: Address
    kind: Literal["hard", "soft", "complaint"]
    at: datetime
    status: Annotated[str, Field(max_length=20)] | None = None
    """The enhanced status (RFC 3463), such as 5.1.1."""


class Bounces(Body):
    """Reports in our own form."""

    bounces: Annotated[list[OneBounce], Field(min_length=1, max_length=500)]

    def reported(self) -> list[Reported]:
        """The bounces."""
        return [
            Reported(one.id, one.address, one.kind, _zoned(one.at), one.status)
            for one in self.bounces
        ]


class _Foreign(Body):
    """A part of somebody else's format, which may get more members."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, alias_generator=None)


_POSTMARK: dict[str, Bounce] = {
    **dict.fromkeys(("HardBounce", "BadEmailAddress", "ManuallyDeactivated"), "hard"),
    **dict.fromkeys(("SoftBounce", "Transient", "DnsError", "Blocked"), "soft"),
    "SpamComplaint": "complaint",
}


class Postmark(_Foreign):
    """A bounce or a spam complaint as Postmark reports it; its other reports change nothing."""

    record_type: Annotated[str, Field(alias="RecordType", max_length=100)]
    id: Annotated[int | None, Field(alias="ID")] = None
    type: Annotated[str, Field(alias="Type", max_length=100)] = ""
    email: Annotated[str, Field(alias="Email", max_length=320)] = ""
    bounced_at: Annotated[datetime | None, Field(alias="BouncedAt")] = None

    def reported(self) -> list[Reported]:
        """The bounce, if it is one."""
        kind = _POSTMARK.get(self.type)
        if kind is None or self.bounced_at is None or not self.email:
            return []
        return [Reported(f"postmark {self.id}", self.email, kind, _zoned(self.bounced_at))]


class Signature(_Foreign):
    """By what Mailgun shows that it is the sender."""

    timestamp: Annotated[str, Field(pattern=r"^[0-9]{1,12}$")]
    token: Annotated[str, Field(max_length=100)]
    signature: Annotated[str, Field(max_length=100)]


class DeliveryStatus(_Foreign):
    """What the reader's server answered."""

    code: int = 0
    enhanced_code: Annotated[str | None, Field(alias="enhanced-code", max_length=20)] = None


class MailgunEvent(_Foreign):
    """Something that Mailgun did."""

    event: Annotated[str, Field(max_length=100)]
    id: Id
    timestamp: Annotated[float, Field(ge=0, lt=1e11)]
    recipient: Annotated[str, Field(max_length=320)] = ""
    severity: Annotated[str | None, Field(max_length=100)] = None
    reason: Annotated[str | None, Field(max_length=100)] = None
    delivery_status: Annotated[DeliveryStatus | None, Field(alias="delivery-status")] = None

    @property
    def kind(self) -> Bounce | None:
        """What it says about the address; None if nothing."""
        if self.event == "complained":
            return "complaint"
        if self.event != "failed" or self.severity != "permanent":
            return None
        status = self.delivery_status or DeliveryStatus()
        if self.reason == "old":  # given up after hours of attempts
            return "soft"
        if status.enhanced_code:
            return of_status(status.enhanced_code)
        return "hard" if status.code in _GONE else "soft"


_GONE = {550, 551, 553, 605}
"""605: Mailgun has not tried it, since the address has bounced before."""


class Mailgun(_Foreign):
    """A failed delivery or a complaint as Mailgun reports it; its other reports change nothing."""

    signature: Signature
    event_data: Annotated[MailgunEvent, Field(alias="event-data")]

    def reported(self) -> list[Reported]:
        """The bounce, if it is one."""
        event = self.event_data
        if event.kind is None or not event.recipient:
            return []
        status = event.delivery_status.enhanced_code if event.delivery_status else None
        at = datetime.fromtimestamp(event.timestamp, UTC)
        return [Reported(f"mailgun {event.id}", event.recipient, event.kind, at, status)]

    def is_signed(self, key: str) -> bool:
        """Whether Mailgun has signed it, with this webhook signing key, and not long ago."""
        given = self.signature
        text = f"{given.timestamp}{given.token}".encode()
        expected = hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
        age = now() - datetime.fromtimestamp(min(int(given.timestamp), 10**11), UTC)
        is_right = hmac.compare_digest(expected.encode(), given.signature.encode())
        return is_right and abs(age) <= SIGNED_WITHIN


def _form(value: Any) -> str:
    names = value if isinstance(value, dict) else ()
    return "mailgun" if "event-data" in names else "postmark" if "RecordType" in names else "own"


AnyForm = Annotated[
    Annotated[Bounces, Tag("own")]
    | Annotated[Postmark, Tag("postmark")]
    | Annotated[Mailgun, Tag("mailgun")],
    Discriminator(_form),
]


def _zoned(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


class EmailState(Answer):
    """Whether mails of notices are sent to the caller's address."""

    state: Literal["ok", "stopped"]
    reason: Reason | None
    """`bounced`: they could not be delivered. `complained`: one was reported as spam."""
    since: datetime | None
    retry_at: datetime | None
    """From when on they can be tried again, if that was done lately."""
