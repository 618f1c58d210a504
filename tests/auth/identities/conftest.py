"""The service `auth` with two providers, and the steps of a sign-in at them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from hirewire.auth.openid.providers import provider_of
from hirewire.kit.notices import notice
from tests.auth.conftest import PASSWORD, Auth
from tests.auth.openid_provider import FakeProvider, fake_provider
from tests.auth.sessions.test_list import bearer

VERSION = notice(None).version
ANNA = {"sub": "u1", "email": "anna@example.org", "email_verified": True}


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def running() -> AsyncIterator[tuple[FakeProvider, FakeProvider]]:
    async with fake_provider() as one, fake_provider() as other:
        yield one, other


@pytest.fixture
def fake(running: tuple[FakeProvider, FakeProvider], auth: Auth) -> FakeProvider:
    """The provider `example`; `other` is a second one."""
    for one in running:
        one.reset()
        one.user, one.asks_userinfo = dict(ANNA), False
    provider_of.cache_clear()
    state = auth.service.app.state
    settings = {"example": running[0].setting, "other": running[1].setting}
    state.settings = state.settings.model_copy(update={"sign_in_providers": settings})
    return running[0]


async def begin(auth: Auth, path: str = "/providers/example", **more: Any) -> dict[str, str]:
    answer = await auth.client.post(f"/api/auth{path}/begin", **more)
    assert answer.status_code == 200, answer.text
    begun: dict[str, str] = answer.json()
    return begun


def brought(fake: FakeProvider, begun: dict[str, str]) -> dict[str, Any]:
    """What the browser brings back."""
    code, state = fake.code(begun["url"])
    return {"attempt": begun["attempt"], "state": state, "code": code, "iss": fake.issuer}


async def finish(
    auth: Auth, body: dict[str, Any], path: str = "/providers/example", **more: Any
) -> httpx.Response:
    return await auth.client.post(f"/api/auth{path}/finish", json=body, **more)


async def sign_in(auth: Auth, fake: FakeProvider) -> httpx.Response:
    """Sign in; somebody new agrees to the notice."""
    answer = await finish(auth, brought(fake, await begin(auth)))
    if answer.status_code == 401 and answer.json()["code"] == "consent_needed":
        return await sign_up(auth, answer.json()["ticket"])
    return answer


async def ask(auth: Auth, fake: FakeProvider) -> str:
    """The ticket of somebody new."""
    answer = await finish(auth, brought(fake, await begin(auth)))
    assert code_of(answer) == (401, "consent_needed")
    ticket: str = answer.json()["ticket"]
    return ticket


async def sign_up(
    auth: Auth, ticket: str, consent: str = VERSION, path: str = "/providers/example"
) -> httpx.Response:
    body = {"ticket": ticket, "consent": consent}
    return await auth.client.post(f"/api/auth{path}/sign-up", json=body)


async def connect(
    auth: Auth, fake: FakeProvider, tokens: dict[str, Any], password: str | None = PASSWORD
) -> httpx.Response:
    path, headers = "/identities/example", bearer(tokens)
    begun = await begin(auth, path, headers=headers, json={"password": password})
    return await finish(auth, brought(fake, begun), path, headers=headers)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def verify(auth: Auth, email: str = "anna@example.org") -> None:
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update user_account set email_verified_at = now() where email = $1", (email,)
        )


async def counts(auth: Auth) -> tuple[int, ...]:
    tables = ("user_account", "identity", "session", "messaging.log", "kit.mail")
    return tuple([(await auth.rows(f"select count(*) from {t}"))[0][0] for t in tables])
