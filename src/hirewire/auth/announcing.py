"""Publishes what other services need to write to a user: language, time zone, verification."""

from datetime import datetime
from uuid import UUID

from hirewire.contracts.auth import UserEmailVerified, UserLocaleChanged
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx


def announce_locale(
    tx: Tx, user_id: UUID, language: str | None, time_zone: str | None, at: datetime
) -> None:
    """Record `UserLocaleChanged`."""
    record(tx, UserLocaleChanged(user_id=user_id, language=language, time_zone=time_zone, at=at))


def announce_verification(tx: Tx, user_id: UUID, at: datetime) -> None:
    """Record `UserEmailVerified`."""
    record(tx, UserEmailVerified(user_id=user_id, at=at))
