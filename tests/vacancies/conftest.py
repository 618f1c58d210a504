"""The service `vacancies`, employers and candidates."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from hirewire.messaging.testing import recorded
from hirewire.vacancies.app import SERVICE
from tests.builders import eventually
from tests.services import Running, running

VACANCY: dict[str, Any] = {
    "title": "Backend developer",
    "description": "<p>Services that lose no message.</p>",
    "requirements": [{"skill": "Python", "kind": "must", "level": 3}],
    "experience": "between1And3",
    "employmentType": "FULL_TIME",
    "workFormat": "remote",
    "area": "Omsk",
    "address": None,
    "salary": {"min": 100, "max": 200, "currency": "RUB", "unit": "MONTH", "gross": True},
    "languages": [{"language": "English", "level": "B1"}],
    "validThrough": "2099-01-01",
    "responseLetterRequired": True,
}


@dataclass(frozen=True)
class Person:
    """A person whose token says "applicant", whatever they become."""

    service: Running
    id: UUID

    async def call(
        self, method: str, path: str, body: object = None, *, expect: int = 200, **headers: str
    ) -> Any:
        """Call a path below `/api/vacancies`; retried while the index is being built."""
        headers = self.service.as_user(self.id) | headers
        url = f"/api/vacancies{path}"

        async def answered() -> httpx.Response | None:
            found = await self.service.client.request(method, url, json=body, headers=headers)
            return None if "search-not-ready" in found.text and expect != 503 else found

        answer = await eventually(answered)
        assert isinstance(answer, httpx.Response)
        assert answer.status_code == expect, answer.text
        if "json" not in answer.headers.get("content-type", ""):
            return answer.text or None
        return answer.json() if answer.content else None

    async def hire(self, name: str = "Acme") -> Any:
        """Become an employer."""
        body = {"companyName": name, "phone": "+7 (921) 000-00-00"}
        return await self.call("POST", "/employer-profile", body, expect=201)

    async def vacancy(self, **changes: object) -> str:
        """Create a draft; returns its id."""
        return str((await self.call("POST", "/vacancies", VACANCY | changes, expect=201))["id"])

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """The recorded events about vacancies."""
        rows = await recorded(self.service.engine)
        return [(row.type, row.body) for row in rows if row.type.startswith("vacancy.")]


@pytest.fixture
async def vacancies(fresh_address: str, search_url: str | None) -> AsyncIterator[Running]:
    async with running(SERVICE, fresh_address, search_url=search_url) as service:
        yield service


@pytest.fixture
def anna(vacancies: Running) -> Person:
    return Person(vacancies, uuid4())


@pytest.fixture
def boris(vacancies: Running) -> Person:
    return Person(vacancies, uuid4())
