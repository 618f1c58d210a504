"""What `auth` publishes."""

from typing import Any, Literal
from uuid import UUID

from hirewire.contracts.fields import Address, Moment
from hirewire.messaging.event import Event

Role = Literal["applicant", "employer", "admin"]


class UserRegistered(Event, name="user.registered", owner="auth", key="id"):
    """Somebody has registered. Published once a user, in the registration's transaction."""

    id: UUID
    email: Address
    """With an `@` between a name and a host; at most 254 characters."""
    registered_at: Moment | None = None


class UserRoleChanged(Event, name="user.role_changed", owner="auth", key="user_id"):
    """A user's role is another one now; of two such events of a user the later one holds."""

    user_id: UUID
    role: Role
    previous_role: Role | None = None


class SigningKeyPublished(Event, name="signing_key.published", owner="auth", key="kid"):
    """A public key with which access tokens are, or soon will be, signed.

    Published before the first token is signed with it. Tokens are to be accepted from
    `not_before` to `not_after`.
    """

    kid: str
    jwk: dict[str, Any]
    """The public key as a JWK (RFC 7517, RFC 8037); never a private part."""
    not_before: Moment
    not_after: Moment
