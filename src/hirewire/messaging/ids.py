"""Ids of events, rows and resources: UUIDv7 (RFC 9562), which begins with the time."""

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A new UUIDv7; increasing within a process."""
    return UUID(int=uuid_utils.uuid7().int)
