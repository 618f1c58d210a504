"""Event handlers of every service that takes access tokens: whose it accepts, and no longer."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import JsonValue

from hirewire.kit import keyring, refusals
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.retry import Reject
from hirewire.messaging.transaction import Tx


class Key(Protocol):
    """The event that a public key was published."""

    kid: str
    jwk: dict[str, JsonValue]
    not_before: datetime
    not_after: datetime


class Block(Protocol):
    """The event that a user was blocked or unblocked."""

    user_id: UUID
    blocked: bool
    at: datetime


async def on_signing_key_published(tx: Tx, received: Received[Event]) -> None:
    """Store a public key, so that tokens signed with it are accepted."""
    key: Key = received.event  # type: ignore[assignment]
    try:
        await keyring.store(
            tx, kid=key.kid, jwk=key.jwk, not_before=key.not_before, not_after=key.not_after
        )
    except ValueError as error:
        raise Reject(f"jwk: {error}") from None


class Revoked(Protocol):
    """The event that an API key was revoked."""

    key_id: UUID
    at: datetime


async def on_api_key_revoked(tx: Tx, received: Received[Event]) -> None:
    """Refuse the access tokens of an API key that was revoked."""
    revoked: Revoked = received.event  # type: ignore[assignment]
    await refusals.note_erased(tx, revoked.key_id, revoked.at)


async def on_user_blocked(tx: Tx, received: Received[Event]) -> None:
    """Refuse the access tokens of a user who was blocked, and older ones of an unblocked user."""
    block: Block = received.event  # type: ignore[assignment]
    await refusals.note_block(tx, block.user_id, is_blocked=block.blocked, at=block.at)
