"""The service `auth` with a signing key, people who register and log in, and a clock that moves."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from hirewire.auth.app import SERVICE
from hirewire.auth.keys.commands import ensure_signing_key
from hirewire.kit import clock as kit_clock
from tests.services import Running, running

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Auth:
    """The service, and what tests do with it again and again."""

    service: Running

    @property
    def client(self) -> httpx.AsyncClient:
        """Comes from 127.0.0.1."""
        return self.service.client

    @asynccontextmanager
    async def from_address(self, address: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client at another address."""
        transport = httpx.ASGITransport(
            app=self.service.app, raise_app_exceptions=False, client=(address, 40000)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client

    async def register(self, email: str = "anna@example.org", password: str = PASSWORD) -> UUID:
        """A new account's id."""
        answer = await self.client.post(
            "/api/auth/register", json={"email": email, "password": password}
        )
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def try_login(
        self,
        email: str = "anna@example.org",
        password: str = PASSWORD,
        *,
        client: httpx.AsyncClient | None = None,
    ) -> httpx.Response:
        """The answer to a login."""
        body = {"email": email, "password": password}
        return await (client or self.client).post("/api/auth/login", json=body)

    async def login(
        self, email: str = "anna@example.org", password: str = PASSWORD
    ) -> dict[str, Any]:
        """The tokens of a login."""
        answer = await self.try_login(email, password)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def refresh(self, token: str) -> httpx.Response:
        """The answer to a refresh."""
        return await self.client.post("/api/auth/refresh", json={"refreshToken": token})

    async def me(self, access_token: str) -> httpx.Response:
        """The answer to who one is."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return await self.client.get("/api/auth/me", headers=headers)

    async def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database answers."""
        async with self.service.engine.connect() as connection:
            found = await connection.exec_driver_sql(statement, parameters or None)
            return [tuple(row) for row in found]

    async def ensure_key(self) -> str | None:
        """What the duty does at the start and every hour."""
        async with self.service.messaging.transactions() as tx:
            return await ensure_signing_key(tx)


class MovedClock:
    """Time that passes when a test says so, beside the time that passes anyway."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """In place of `hirewire.kit.clock.now`."""
        return datetime.now(UTC) + self.ahead

    def forward(self, **by: float) -> None:
        """Let time pass: ``forward(days=1)``."""
        self.ahead += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    """A clock for all of hirewire, wherever `now` was imported by name."""
    moved, real = MovedClock(), kit_clock.now
    for name, module in list(sys.modules.items()):
        if name.startswith("hirewire.") and getattr(module, "now", None) is real:
            monkeypatch.setattr(module, "now", moved.now)
    return moved


@pytest.fixture
async def keyless(fresh_address: str) -> AsyncIterator[Auth]:
    """The service on an empty database, before it has made its first key."""
    async with running(SERVICE, fresh_address, trust_test_key=False) as service:
        yield Auth(service)


@pytest.fixture
async def auth(keyless: Auth) -> Auth:
    """The service on an empty database, ready to log people in."""
    assert await keyless.ensure_key() is not None
    return keyless
