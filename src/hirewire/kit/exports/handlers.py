"""Event handlers of every service that makes a part of what a person exports."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from hirewire.kit.exports import parts
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.transaction import Tx


class Requested(Protocol):
    """The event that a user has asked for an export."""

    export_id: UUID
    user_id: UUID
    language: str
    requested_at: datetime


class Finished(Protocol):
    """The event that an export has all its parts."""

    export_id: UUID
    expires_at: datetime


async def on_user_export_requested(tx: Tx, received: Received[Event]) -> None:
    """Queue this service's part, which is made in the background."""
    asked: Requested = received.event  # type: ignore[assignment]
    language = parts.language_of(asked.language)
    await parts.request(tx, asked.export_id, asked.user_id, language, asked.requested_at)


async def on_user_export_finished(tx: Tx, received: Received[Event]) -> None:
    """Note when the part is to be deleted."""
    done: Finished = received.event  # type: ignore[assignment]
    await parts.expire(tx, done.export_id, done.expires_at)
