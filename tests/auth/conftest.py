"""The service `auth` with a signing key, helpers to register and log in, and a movable clock."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url

from hirewire.auth.app import SERVICE
from hirewire.auth.keys.commands import ensure_signing_key
from hirewire.kit import clock as kit_clock
from hirewire.messaging.database import connect
from tests.auth.postbox import Postbox, sending
from tests.hashing import use_passwords
from tests.services import Running, running

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Auth:
    """The service, with common actions of the tests."""

    service: Running

    @property
    def client(self) -> httpx.AsyncClient:
        """A client at 127.0.0.1."""
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
        """Register; returns the id of the new account."""
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
        """Log in; returns the response."""
        body = {"email": email, "password": password}
        return await (client or self.client).post("/api/auth/login", json=body)

    async def login(
        self, email: str = "anna@example.org", password: str = PASSWORD
    ) -> dict[str, Any]:
        """Log in; returns the tokens."""
        answer = await self.try_login(email, password)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def refresh(self, token: str) -> httpx.Response:
        """Refresh; returns the response."""
        return await self.client.post("/api/auth/refresh", json={"refreshToken": token})

    async def me(self, access_token: str) -> httpx.Response:
        """Read the caller's account; returns the response."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return await self.client.get("/api/auth/me", headers=headers)

    async def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        async with self.service.engine.connect() as connection:
            found = await connection.exec_driver_sql(statement, parameters or None)
            return [tuple(row) for row in found]

    async def ensure_key(self) -> str | None:
        """Do what the background task does at start and every hour."""
        async with self.service.messaging.transactions() as tx:
            return await ensure_signing_key(tx)


class MovedClock:
    """A clock that can be moved forward, and otherwise runs normally."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """Replaces `hirewire.kit.clock.now`."""
        return datetime.now(UTC) + self.ahead

    def forward(self, **by: float) -> None:
        """Move the clock: ``forward(days=1)``."""
        self.ahead += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    """The clock for all modules of hirewire that import `now` by name."""
    moved, real = MovedClock(), kit_clock.now
    for name, module in list(sys.modules.items()):
        if name.startswith("hirewire.") and getattr(module, "now", None) is real:
            monkeypatch.setattr(module, "now", moved.now)
    return moved


@asynccontextmanager
async def _on_a_copy(
    postgres_url: str, public_url: str = "http://127.0.0.1:8000"
) -> AsyncIterator[Auth]:
    name = f"t{uuid4().hex[:16]}"
    url = _named(postgres_url, name)
    use_passwords("cheap")
    try:
        async with running(SERVICE, url, trust_test_key=False, public_url=public_url) as service:
            yield Auth(service)
    finally:
        use_passwords("real")
    await _administer(postgres_url, f'drop database "{name}_auth" with (force)')


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def _administer(url: str, statement: str) -> None:
    connection = await connect(url, application="tests")
    await connection.execute(statement)
    await connection.close()


@pytest.fixture
def public_url() -> str:
    """The address of the board; the tests of passkeys need one with a name."""
    return "http://127.0.0.1:8000"


@pytest.fixture
async def keyless(postgres_url: str, public_url: str) -> AsyncIterator[Auth]:
    """The service on an empty database, before it has created its first key."""
    async with _on_a_copy(postgres_url, public_url) as service:
        yield service


@pytest.fixture
async def auth(keyless: Auth) -> Auth:
    """The service on an empty database, ready for logins."""
    assert await keyless.ensure_key() is not None
    return keyless


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def refusing(postgres_url: str) -> AsyncIterator[Auth]:
    """The service with a key, shared by tests whose requests change nothing."""
    async with _on_a_copy(postgres_url) as service:
        assert await service.ensure_key() is not None
        yield service
        tables = ("user_account", "session", "refresh_token", "messaging.log")
        counts = [(await service.rows(f"select count(*) from {t}"))[0][0] for t in tables]
        assert counts == [0, 0, 0, 1], "a refused request has changed something"


@pytest.fixture
async def postbox(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Postbox]:
    """The mails that the service sends from here on."""
    async with sending(auth, monkeypatch) as box:
        yield box
