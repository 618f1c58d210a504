"""What the pages ask the services, over HTTP."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from hirewire.kit.errors import Invalid, Unauthenticated, Unavailable
from hirewire.kit.settings import Settings

PATIENCE = 10.0
"""Seconds for an answer: a service that has just started may take some over its first ones."""
Standing = Literal["ready", "starting", "away"]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How a service is, as it says itself."""

    name: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said."""

    status: int
    data: Any
    """The JSON of the body; None without one."""

    @property
    def is_good(self) -> bool:
        """Whether it was done."""
        return self.status < 400

    @property
    def detail(self) -> str:
        """The problem in a sentence."""
        return str(self.data.get("detail") or "") if isinstance(self.data, dict) else ""

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by the path of the field: `salary/min`."""
        listed = self.data.get("errors") if isinstance(self.data, dict) else None
        return {
            str(one.get("pointer", one.get("parameter", ""))).removeprefix("#/"): str(
                one.get("detail", "")
            )
            for one in listed or ()
        }


class Services:
    """The services behind this origin."""

    def __init__(self, settings: Settings, names: Iterable[str]) -> None:
        self._urls = {name: settings.service_url(name) for name in names}
        self._client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)

    async def call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Any = None,
        client: str = "",
    ) -> Answer:
        """Ask a service, in the name of whoever has this token, from the address `client`.

        Raises `Unavailable` when it is away, starts, or fails.
        """
        headers = {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if client:
            headers["X-Forwarded-For"] = client
        try:
            answer = await self._client.request(
                method, self._urls[name] + path, json=body, headers=headers
            )
        except httpx.HTTPError:
            raise Unavailable(retry_after=2) from None
        if answer.status_code >= 500:
            raise Unavailable(retry_after=2)
        is_json = answer.content and "json" in answer.headers.get("content-type", "")
        return Answer(answer.status_code, answer.json() if is_json else answer.content or None)

    async def states(self) -> list[ServiceState]:
        """How all of them are, asked at once."""
        return list(await asyncio.gather(*(self._state(name) for name in self._urls)))

    async def openapi(self, name: str) -> dict[str, Any] | None:
        """A service's OpenAPI document; None for no such service, or one that is away."""
        if name not in self._urls:
            return None
        try:
            answer = await self._client.get(f"{self._urls[name]}/openapi.json")
            answer.raise_for_status()
        except httpx.HTTPError:
            return None
        found: dict[str, Any] = answer.json()
        return found

    async def who(self, authorization: str) -> str:
        """The id of the user whose access token this header has.

        Raises `Unauthenticated`, and `Unavailable` when `auth` cannot say.
        """
        answer = await self._ask("auth", "/api/auth/me", authorization)
        if answer.status_code == 401:
            raise Unauthenticated
        return str(_whole(answer)["id"])

    async def company_of(self, authorization: str) -> str | None:
        """The company for which this user acts. Raises `Unavailable` when nobody can say."""
        answer = await self._ask("vacancies", "/api/vacancies/employer-profile", authorization)
        return None if answer.status_code == 404 else str(_whole(answer)["companyId"])

    async def vacancies(self, query: str) -> dict[str, Any]:
        """A page of the list of vacancies. Raises `Unavailable`, and `Invalid` for a bad query."""
        answer = await self._ask("vacancies", f"/api/vacancies/vacancies?{query}")
        if answer.status_code == 422:
            raise Invalid
        return _whole(answer)

    async def feed(self, path: str) -> tuple[int, bytes, str]:
        """A document for search engines: status, body, media type. Raises `Unavailable`."""
        answer = await self._ask("vacancies", f"/api/vacancies/feeds/{path}")
        return answer.status_code, answer.content, answer.headers.get("content-type", "")

    async def _ask(self, name: str, path: str, authorization: str | None = None) -> httpx.Response:
        headers = {"Authorization": authorization} if authorization else {}
        try:
            return await self._client.get(self._urls[name] + path, headers=headers)
        except httpx.HTTPError:
            raise Unavailable(retry_after=2) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _state(self, name: str) -> ServiceState:
        try:
            answer = await self._client.get(f"{self._urls[name]}/health/ready", timeout=1.0)
        except httpx.HTTPError:
            return ServiceState(name, "away")
        return ServiceState(name, "ready" if answer.status_code == 200 else "starting")


def _whole(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != 200:
        raise Unavailable(retry_after=2)
    found: dict[str, Any] = answer.json()
    return found
