"""People with an authenticator app."""

from typing import Any

import httpx
import pyotp

from tests.auth.conftest import PASSWORD, Auth, MovedClock


class Anna:
    """A person with a session and an app."""

    def __init__(self, auth: Auth, clock: MovedClock, access: str) -> None:
        self.auth = auth
        self.clock = clock
        self.headers = {"Authorization": f"Bearer {access}"}
        self.secret = ""
        self.recovery_codes: list[str] = []

    @classmethod
    async def arrive(cls, auth: Auth, clock: MovedClock) -> "Anna":
        """With an account."""
        # The middle of a step, so that a slow test does not cross into the next one.
        clock.forward(seconds=45 - clock.now().timestamp() % 30)
        await auth.register()
        return cls(auth, clock, (await auth.login())["accessToken"])

    @classmethod
    async def with_app(cls, auth: Auth, clock: MovedClock) -> "Anna":
        """With two-step sign-in, and the next code of the app unused."""
        made = await cls.arrive(auth, clock)
        await made.begin()
        answer = await made.ask("/confirm", code=made.code())
        assert answer.status_code == 200, answer.text
        made.recovery_codes = answer.json()["recoveryCodes"]
        clock.forward(seconds=30)
        return made

    async def ask(self, path: str, **body: str) -> httpx.Response:
        return await self.auth.client.post(
            f"/api/auth/two-step{path}", json=body, headers=self.headers
        )

    async def state(self) -> dict[str, Any]:
        answer = await self.auth.client.get("/api/auth/two-step", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def begin(self) -> None:
        answer = await self.ask("", password=PASSWORD)
        assert answer.status_code == 200, answer.text
        self.secret = answer.json()["secret"]

    def code(self, *, seconds: float = 0) -> str:
        """The code that the app shows, whose clock is this much ahead."""
        return pyotp.TOTP(self.secret).at(self.clock.now().timestamp() + seconds)

    async def ticket(self) -> str:
        """The ticket of a login with the right password."""
        answer = await self.auth.try_login()
        assert refused(answer) == (401, "second_factor_needed"), answer.text
        return str(answer.json()["ticket"])

    async def enter(self, ticket: str, code: str) -> httpx.Response:
        return await self.auth.client.post(
            "/api/auth/login/second-factor", json={"ticket": ticket, "code": code}
        )


def refused(answer: httpx.Response) -> tuple[int, str]:
    found = answer.json()
    return answer.status_code, found["errors"][0]["code"] if "errors" in found else found["code"]
