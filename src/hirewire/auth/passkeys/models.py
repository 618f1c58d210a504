"""The bodies of requests and responses about passkeys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from hirewire.auth.passkeys.rules import LONGEST_NAME
from hirewire.kit.models import Answer, Body, text

Encoded = Annotated[str, Field(max_length=50_000, pattern=r"^[A-Za-z0-9_-]*={0,2}$")]
"""Bytes in base64url."""
Name = Annotated[str, text(max=LONGEST_NAME)]


class FromBrowser(Body):
    """A part of what a browser has answered, which may have further members."""

    model_config = ConfigDict(extra="ignore")


class NewResponse(FromBrowser):
    """The response of an authenticator that has made a passkey."""

    client_data_json: Annotated[Encoded, Field(alias="clientDataJSON")]
    attestation_object: Encoded


class SignInResponse(FromBrowser):
    """The response of an authenticator that has signed a challenge."""

    client_data_json: Annotated[Encoded, Field(alias="clientDataJSON")]
    authenticator_data: Encoded
    signature: Encoded
    user_handle: Encoded | None = None


class NewCredential(FromBrowser):
    """A new passkey, as `PublicKeyCredential.toJSON` writes it (WebAuthn, level 3)."""

    id: Encoded
    raw_id: Encoded
    type: Annotated[str, Field(max_length=40)]
    response: NewResponse


class SignInCredential(FromBrowser):
    """A passkey's answer to a challenge, as `PublicKeyCredential.toJSON` writes it."""

    id: Encoded
    raw_id: Encoded
    type: Annotated[str, Field(max_length=40)]
    response: SignInResponse


class ToAdd(Body):
    """A passkey to add, and its name; without one, the device's."""

    credential: NewCredential
    name: Name | None = None


class Named(Body):
    """A new name."""

    name: Name


class ToSignIn(Body):
    """The answer of a passkey."""

    credential: SignInCredential


class Options(Answer):
    """What `navigator.credentials` is called with; bytes are in base64url."""

    public_key: dict[str, JsonValue]


class Passkey(Answer):
    """A passkey of the caller."""

    id: UUID
    name: str
    added_at: datetime
    used_at: datetime | None
    """The last sign-in with it."""


class PasskeyList(Answer):
    """The caller's passkeys, the oldest first."""

    items: list[Passkey]
    available: bool
    """Whether the board's address is one at which browsers have passkeys."""
