"""The events that `auth` publishes."""

from typing import Any, Literal
from uuid import UUID

from hirewire.contracts.fields import ERASED_ADDRESS, Address, Moment
from hirewire.messaging.event import NOBODY, Event

Role = Literal["applicant", "employer", "admin"]


class UserRegistered(
    Event,
    name="user.registered",
    owner="auth",
    key="id",
    subject="id",
    personal={"email": ERASED_ADDRESS},
):
    """A user has registered. Published once per user, in the registration's transaction."""

    id: UUID
    email: Address
    """A name, an `@` and a host; at most 254 characters."""
    registered_at: Moment | None = None


class UserRoleChanged(
    Event, name="user.role_changed", owner="auth", key="user_id", subject="user_id"
):
    """A user's role has changed. The latest of a user's events is the valid one."""

    user_id: UUID
    role: Role
    previous_role: Role | None = None


class UserEmailChanged(
    Event,
    name="user.email_changed",
    owner="auth",
    key="user_id",
    subject="user_id",
    personal={"email": ERASED_ADDRESS},
):
    """A user's address has changed; the new one is verified.

    Of a user's events, the one with the latest `at` is the valid one, also against
    `user.registered`.
    """

    user_id: UUID
    email: Address
    at: Moment


class UserEmailVerified(
    Event, name="user.email_verified", owner="auth", key="user_id", subject="user_id"
):
    """A user has shown that the address of the registration is theirs, or an operator says so.

    An address that was changed is verified by then: of it only `user.email_changed` is published.
    The same may be published again.
    """

    user_id: UUID
    at: Moment


class UserLocaleChanged(
    Event,
    name="user.locale_changed",
    owner="auth",
    key="user_id",
    subject="user_id",
    personal={"language": None, "time_zone": None},
):
    """The language or the time zone of a user is known, or has changed.

    Published at the registration too, unless it says neither. The latest of a user's events is the
    valid one, and the same may be published again.
    """

    user_id: UUID
    language: str | None = None
    """Of mails: `en` or `ru`; null: not known."""
    time_zone: str | None = None
    """A name in the IANA time zone database, such as `Europe/Moscow`; null: that of the board."""
    at: Moment


class UserBlocked(Event, name="user.blocked", owner="auth", key="user_id", subject="user_id"):
    """An operator has blocked a user, or unblocked one.

    A blocked user gets no access tokens. Refuse those that were issued before: they live for ten
    minutes at most. The latest of a user's events is the valid one.
    """

    user_id: UUID
    blocked: bool
    at: Moment


class SessionEnded(Event, name="session.ended", owner="auth", key="user_id", subject="user_id"):
    """A session of a user has ended: they signed out, it was ended elsewhere, or it has expired.

    What was set up for that browser or device ends with it. Sessions of an erased user end without
    such an event.
    """

    user_id: UUID
    session_id: UUID
    at: Moment


class UserStated(
    Event,
    name="user.stated",
    owner="auth",
    key="user_id",
    subject="user_id",
    personal={"email": ERASED_ADDRESS, "language": None, "time_zone": None},
):
    """The current state of an account. Published once of all accounts after a service has
    subscribed, which needs those whose other events are no longer in the log. It says nothing new
    to others.
    """

    user_id: UUID
    email: Address
    blocked_at: Moment | None
    """None: not blocked."""
    verified_at: Moment | None = None
    """When the address was; None: not yet."""
    language: str | None = None
    time_zone: str | None = None


class AuthStated(Event, name="auth.stated", owner="auth", key="subscriber", subject=NOBODY):
    """The current state of all accounts has been published once for this subscriber."""

    subscriber: str
    """The name of the service."""
    types: list[str]
    """The events that have said so."""


class UserErased(
    Event, name="user.erased", owner="auth", key="user_id", subject="user_id", erasure="asks"
):
    """A user has deleted their account: erase or anonymise all that is theirs.

    Each service of this platform answers with its event `user.erasure_done.<service>`. The same
    erasure may be published again, after a backup was restored: then it is answered again.
    """

    user_id: UUID
    erasure_id: UUID
    erased_at: Moment


class ApiKeyRevoked(Event, name="api_key.revoked", owner="auth", key="key_id", subject=NOBODY):
    """A company's API key was revoked, or nobody acts for its company any more.

    Refuse access tokens with this `sub`: they live for 45 seconds at most.
    """

    key_id: UUID
    company_id: UUID
    at: Moment


class SigningKeyPublished(
    Event, name="signing_key.published", owner="auth", key="kid", subject=NOBODY
):
    """A public key that verifies access tokens.

    Published before the first token is signed with its private key. Accept tokens of this key from
    `not_before` to `not_after`.
    """

    kid: str
    jwk: dict[str, Any]
    """The public key as a JWK (RFC 7517, RFC 8037), without the private part."""
    not_before: Moment
    not_after: Moment


class UserExportRequested(
    Event, name="user.export_requested", owner="auth", key="user_id", subject="user_id"
):
    """A user wants a copy of their data. Each service that has any makes its part."""

    export_id: UUID
    user_id: UUID
    language: str
    """`en` or `ru`: of the labels in texts for reading."""
    requested_at: Moment


class UserExportFinished(
    Event, name="user.export_finished", owner="auth", key="user_id", subject="user_id"
):
    """All parts of an export are made, or it was given up, or a newer one has replaced it."""

    export_id: UUID
    user_id: UUID
    expires_at: Moment
    """When the parts are to be deleted."""


class UserRetentionNotified(
    Event, name="user.retention_notified", owner="auth", key="user_id", subject="user_id"
):
    """A mail asks a user whether to keep old data; it was queued `at`."""

    notice_id: UUID
    """That of `resumes.retention_due` or `applications.retention_due`."""
    user_id: UUID
    at: Moment
