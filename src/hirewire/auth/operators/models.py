"""Bodies and responses of the operators' API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from hirewire.contracts.auth import Role
from hirewire.kit.models import Answer, Body


class PersonLine(Answer):
    """A person in a list."""

    id: UUID
    email: str
    role: Role
    email_verified: bool
    registered_at: datetime
    blocked_at: datetime | None


class PersonDetails(PersonLine):
    """A person, as operators see them."""

    blocked_by: UUID | None
    """Null: the command line of the server."""
    blocked_why: str | None
    language: str | None
    sessions: int
    """Logins that have not ended."""
    seen_at: datetime | None
    """The last login or refresh."""


class Ids(Body):
    """Ids of people."""

    ids: Annotated[list[UUID], Field(max_length=500)]


class PersonAddress(Answer):
    """The address of a person."""

    id: UUID
    email: str


class AddressList(Answer):
    """Addresses of people."""

    items: list[PersonAddress]
