"""Operators in tests."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from tests.auth.conftest import Auth

BOSS = "boss@example.org"


@dataclass(frozen=True)
class Office:
    """An operator, signed in."""

    auth: Auth
    id: UUID
    headers: dict[str, str]

    async def get(self, path: str, **params: str | int) -> httpx.Response:
        """Read something of the operators' API."""
        url = f"/api/auth/admin{path}"
        return await self.auth.client.get(url, headers=self.headers, params=params)

    async def do(self, id: UUID, act: str, why: str = "because") -> httpx.Response:
        """Do something to a person."""
        url = f"/api/auth/admin/people/{id}/{act}"
        return await self.auth.client.post(url, headers=self.headers, json={"why": why})

    async def log(self, **params: str | int) -> list[tuple[str, str]]:
        """The acts and reasons in the log, the last one first."""
        answer = await self.get("/audit", **params)
        return [(one["act"], one["why"]) for one in answer.json()["items"]]


async def office_of(auth: Auth, email: str) -> Office:
    """Register an operator and sign them in."""
    id = await auth.register(email)
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql(
            "update user_account set role = 'admin', role_besides = 'applicant', "
            "email_verified_at = now() where id = $1",
            (id,),
        )
    token = (await auth.login(email))["accessToken"]
    return Office(auth, id, {"Authorization": f"Bearer {token}"})


@pytest.fixture
async def office(auth: Auth) -> Office:
    """The service with one operator."""
    return await office_of(auth, BOSS)
