"""The service `profiles`, and a user."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.testing import Recorded, recorded
from hirewire.profiles.app import SERVICE
from tests.services import Running, running


@dataclass(frozen=True)
class Person:
    """A person with a token."""

    service: Running
    id: UUID

    async def call(
        self, method: str, path: str, body: object = None, *, expect: int = 200, **headers: str
    ) -> Any:
        """Call a path below `/api/profiles`; returns the response."""
        answer = await self.service.client.request(
            method,
            f"/api/profiles{path}",
            json=body,
            headers=self.service.as_user(self.id) | headers,
        )
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def events(self) -> list[Recorded]:
        """The recorded events about resumes."""
        return await recorded(self.service.engine, "resume.updated")

    async def last_event(self) -> dict[str, Any]:
        """The payload of the latest event."""
        return (await self.events())[-1].body


@pytest.fixture
async def profiles(fresh_address: str) -> AsyncIterator[Running]:
    async with running(SERVICE, fresh_address) as service:
        yield service


@pytest.fixture
def anna(profiles: Running) -> Person:
    return Person(profiles, uuid4())


@pytest.fixture
def boris(profiles: Running) -> Person:
    return Person(profiles, uuid4())
