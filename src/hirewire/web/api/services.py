"""HTTP calls from the pages to the services."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
from yarl import URL

from hirewire.kit.errors import Invalid, Unauthenticated, Unavailable
from hirewire.web.problems import Problem, field_problems, whole_problem
from hirewire.web.upstream import Away, BrokeOff, Busy, Upstream

PATIENCE = 10.0
"""Seconds to wait for an answer: the first requests after a service's start can take some."""
Standing = Literal["ready", "starting", "away"]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The state of a service, as reported by the service."""

    name: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer."""

    status: int
    data: Any
    """The JSON of the body; None if there is no JSON."""

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded."""
        return self.status < 400

    @property
    def problem(self) -> Problem:
        """What is wrong with the request as a whole."""
        return whole_problem(self.data)

    @property
    def errors(self) -> dict[str, Problem]:
        """The errors by the path of the field: `salary/min`."""
        return field_problems(self.data)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    kind: str
    """The media type with its parameters."""
    content: bytes

    def whole(self) -> dict[str, Any]:
        """The JSON of a successful answer. Raises `Unavailable` for any other."""
        if self.status != 200:
            raise Unavailable(retry_after=2)
        found: dict[str, Any] = json.loads(self.content)
        return found


class Services:
    """The services behind this origin."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams

    async def call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Any = None,
        kind: str = "application/json",
        client: str = "",
        patience: float = PATIENCE,
    ) -> Answer:
        """Call a service with this access token, on behalf of the client at the address `client`.

        `body` is sent as JSON, or unchanged if `kind` is another media type. Raises `Unavailable`
        if the service is unreachable, starting or failing.
        """
        headers = []
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        if client:
            headers.append(("x-forwarded-for", client))
        content = None
        if body is not None:
            is_json = kind == "application/json"
            content = json.dumps(body, ensure_ascii=False).encode() if is_json else body
            headers.append(("content-type", kind))
        answer = await self._ask(name, method, path, headers, content, patience=patience)
        if answer.status >= 500:
            raise Unavailable(retry_after=2)
        if answer.content and "json" in answer.kind:
            return Answer(answer.status, json.loads(answer.content))
        return Answer(answer.status, answer.content or None)

    async def states(self) -> list[ServiceState]:
        """The states of all services, requested concurrently."""
        return list(await asyncio.gather(*(self._state(name) for name in self._upstreams)))

    async def openapi(self, name: str) -> dict[str, Any] | None:
        """A service's OpenAPI document; None if the service is unknown or unavailable."""
        if name not in self._upstreams:
            return None
        try:
            return (await self._ask(name, "GET", "/openapi.json")).whole()
        except Unavailable:
            return None

    async def who(self, authorization: str) -> str:
        """The id of the user with the access token in this header.

        Raises `Unauthenticated`, and `Unavailable` if `auth` does not answer.
        """
        answer = await self._ask_for("auth", "/api/auth/me", authorization)
        if answer.status == 401:
            raise Unauthenticated
        return str(answer.whole()["id"])

    async def company_of(self, authorization: str) -> str | None:
        """The company for which this user acts. Raises `Unavailable` if the service does not
        answer.
        """
        answer = await self._ask_for("vacancies", "/api/vacancies/employer-profile", authorization)
        return None if answer.status == 404 else str(answer.whole()["companyId"])

    async def vacancies(self, query: str) -> dict[str, Any]:
        """A page of the list of vacancies. Raises `Unavailable`, and `Invalid` for an invalid
        query.
        """
        answer = await self._ask("vacancies", "GET", f"/api/vacancies/vacancies?{query}")
        if answer.status == 422:
            raise Invalid
        return answer.whole()

    async def feed(self, path: str) -> tuple[int, bytes, str]:
        """A document for search engines: status, body, media type. Raises `Unavailable`."""
        answer = await self._ask("vacancies", "GET", f"/api/vacancies/feeds/{path}")
        return answer.status, answer.content, answer.kind

    async def _ask_for(self, name: str, path: str, authorization: str) -> _Reply:
        return await self._ask(name, "GET", path, [("authorization", authorization)])

    async def _ask(
        self,
        name: str,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | None = None,
        *,
        patience: float = PATIENCE,
    ) -> _Reply:
        """The answer of a service, with any status. Raises `Unavailable` if there is none."""
        upstream = self._upstreams[name]
        target = upstream.prefix + URL(path).raw_path_qs
        sent = [("host", upstream.host), *headers]
        try:
            async with (
                asyncio.timeout(patience) as limit,
                upstream.place(),
                await upstream.ask(method, target, sent, content, limit) as answer,
            ):
                kind = answer.headers.get("content-type", "")
                return _Reply(answer.status, kind, await answer.read())
        except (Away, Busy, BrokeOff, TimeoutError, aiohttp.ClientError, UnicodeError):
            raise Unavailable(retry_after=2) from None

    async def _state(self, name: str) -> ServiceState:
        try:
            answer = await self._ask(name, "GET", "/health/ready", patience=1.0)
        except Unavailable:
            return ServiceState(name, "away")
        return ServiceState(name, "ready" if answer.status == 200 else "starting")
