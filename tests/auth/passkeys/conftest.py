"""The service `auth` of a board with a name, and people with passkeys."""

from typing import Any

import httpx
import pytest

from tests.auth.conftest import PASSWORD, Auth
from tests.auth.passkeys.authenticator import Authenticator

SITE = "jobs.example.org"
ORIGIN = f"https://{SITE}"


@pytest.fixture
def public_url() -> str:
    return ORIGIN


class Person:
    """A person with a session, and requests about passkeys."""

    def __init__(self, auth: Auth, email: str, access: str) -> None:
        self.auth = auth
        self.email = email
        self.headers = {"Authorization": f"Bearer {access}"}

    @classmethod
    async def arrive(cls, auth: Auth, email: str = "anna@example.org") -> "Person":
        await auth.register(email)
        return await cls.again(auth, email)

    @classmethod
    async def again(cls, auth: Auth, email: str = "anna@example.org") -> "Person":
        """The same person, in another session."""
        return cls(auth, email, (await auth.login(email))["accessToken"])

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.auth.client.request(
            method, f"/api/auth/passkeys{path}", json=body, headers=self.headers
        )

    async def options(self) -> dict[str, Any]:
        answer = await self.ask("POST", "/options", {"password": PASSWORD})
        assert answer.status_code == 200, answer.text
        options: dict[str, Any] = answer.json()["publicKey"]
        return options

    async def add(self, credential: object, **more: str) -> httpx.Response:
        return await self.ask("POST", "", {"credential": credential} | more)

    async def with_passkey(self) -> Authenticator:
        """A new passkey."""
        made = authenticator()
        answer = await self.add(made.make(await self.options()))
        assert answer.status_code == 201, answer.text
        return made

    async def listed(self) -> list[dict[str, Any]]:
        answer = await self.ask("GET", "")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


def authenticator(origin: str = ORIGIN, site: str = SITE) -> Authenticator:
    return Authenticator(origin, site)


async def sign_in_options(auth: Auth) -> dict[str, Any]:
    answer = await auth.client.post("/api/auth/login/passkey/options")
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["publicKey"]
    return options


async def sign_in(
    auth: Auth, credential: object, *, client: httpx.AsyncClient | None = None
) -> httpx.Response:
    return await (client or auth.client).post(
        "/api/auth/login/passkey", json={"credential": credential}
    )


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
