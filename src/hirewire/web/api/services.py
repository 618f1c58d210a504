"""HTTP calls from the pages to the services."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import aiohttp
import structlog
from pydantic import JsonValue, TypeAdapter, ValidationError
from yarl import URL

from hirewire.kit.errors import Unauthenticated, Unavailable
from hirewire.web.api.models.auth import Account, Admitted, Exchanged, OpenExport, Part, PartFile
from hirewire.web.api.models.base import Model
from hirewire.web.api.models.companies import Employer
from hirewire.web.upstream import Away, BrokeOff, Busy, Upstream

log = structlog.get_logger(__name__)

PATIENCE = 10.0
"""Seconds to wait for an answer: the first requests after the start of a service can be slow."""
Standing = Literal["ready", "starting", "away"]
ParsedT = TypeVar("ParsedT", bound=Model)
_DOCUMENT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The state of a service, as it reports it."""

    name: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Reply:
    """The unparsed answer of a service."""

    service: str
    status: int
    kind: str
    """The media type with its parameters."""
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """All headers, by their names in small letters."""

    def parsed(self, model: type[ParsedT]) -> ParsedT:
        """The body as this model. Raises `Unavailable` if it has another form."""
        try:
            return model.model_validate_json(self.content)
        except ValidationError as error:
            log.warning(
                "unexpected response",
                service=self.service,
                expected=model.__name__,
                fields=[".".join(map(str, one["loc"][:3])) for one in error.errors()[:5]],
            )
            raise Unavailable(retry_after=2) from None

    def whole(self, model: type[ParsedT]) -> ParsedT:
        """The body of a successful answer as this model. Raises `Unavailable` for any other one."""
        if self.status != 200:
            raise Unavailable(retry_after=2)
        return self.parsed(model)


class Services:
    """The services behind this origin."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams

    def has(self, name: str) -> bool:
        """Whether this board runs the service."""
        return name in self._upstreams

    async def ask(
        self,
        name: str,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | None = None,
        *,
        patience: float = PATIENCE,
    ) -> Reply:
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
                named = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(name, answer.status, kind, await answer.read(), named)
        except (Away, Busy, BrokeOff, TimeoutError, aiohttp.ClientError, UnicodeError):
            raise Unavailable(retry_after=2) from None

    async def states(self) -> list[ServiceState]:
        """The states of all services, in concurrent requests."""
        return list(await asyncio.gather(*(self._state(name) for name in self._upstreams)))

    async def openapi(self, name: str) -> dict[str, JsonValue] | None:
        """A service's OpenAPI document; None if the service is unknown or unavailable."""
        if name not in self._upstreams:
            return None
        try:
            answer = await self.ask(name, "GET", "/openapi.json")
            return _DOCUMENT.validate_json(answer.content) if answer.status == 200 else None
        except (Unavailable, ValidationError):
            return None

    async def who(self, authorization: str) -> str:
        """The id of the user with the access token in this header.

        Raises `Unauthenticated`, and `Unavailable` if `auth` does not answer.
        """
        headers = [("authorization", authorization)]
        answer = await self.ask("auth", "GET", "/api/auth/me", headers)
        if answer.status == 401:
            raise Unauthenticated
        return answer.whole(Account).id

    async def exchange(self, token: str) -> str | None:
        """An access token for a personal one; None if `auth` refuses it.

        Raises `Unavailable` if `auth` does not answer.
        """
        content = json.dumps({"token": token}).encode()
        headers = [("content-type", "application/json")]
        answer = await self.ask("auth", "POST", "/internal/personal-token", headers, content)
        return None if answer.status == 401 else answer.whole(Exchanged).accessToken

    async def admit(self, key: str, asked: int) -> Admitted | None:
        """An access token for an API key, and some of its requests; None if `auth` refuses it.

        Raises `Unavailable` if `auth` does not answer.
        """
        content = json.dumps({"key": key, "asked": asked}).encode()
        headers = [("content-type", "application/json")]
        answer = await self.ask("auth", "POST", "/internal/api-key", headers, content)
        return None if answer.status == 401 else answer.whole(Admitted)

    async def company_of(self, authorization: str) -> str | None:
        """The company that this user acts for; None if there is none.

        Raises `Unavailable` if the service does not answer.
        """
        path, headers = "/api/vacancies/employer-profile", [("authorization", authorization)]
        answer = await self.ask("vacancies", "GET", path, headers)
        return None if answer.status == 404 else answer.whole(Employer).companyId

    async def feed(self, path: str) -> tuple[int, bytes, str]:
        """A document for search engines: status, body, media type. Raises `Unavailable`."""
        answer = await self.ask("vacancies", "GET", f"/api/vacancies/feeds/{path}")
        return answer.status, answer.content, answer.kind

    async def part(self, name: str, export: OpenExport) -> Part:
        """The files of a service's part of an export. Raises `Unavailable`."""
        path = f"/api/{name}/exports/{export.id}?grant={export.grant}"
        return (await self.ask(name, "GET", path)).whole(Part)

    async def part_file(
        self, name: str, export: OpenExport, file: PartFile
    ) -> AsyncGenerator[bytes]:
        """The content of a file of an export, as it arrives. Raises `Unavailable`, also midway."""
        upstream = self._upstreams[name]
        path = f"/api/{name}/exports/{export.id}/files/{file.number}?grant={export.grant}"
        target = upstream.prefix + URL(path).raw_path_qs
        try:
            async with asyncio.timeout(PATIENCE) as limit, upstream.place():
                answer = await upstream.ask("GET", target, [("host", upstream.host)], None, limit)
                async with answer:
                    if answer.status != 200:
                        raise Unavailable(retry_after=2)
                    async for piece in answer.content.iter_any():
                        limit.reschedule(None)  # a slow reader is not the service's fault
                        yield piece
                        limit.reschedule(asyncio.get_running_loop().time() + PATIENCE)
        except (Away, Busy, BrokeOff, TimeoutError, aiohttp.ClientError):
            raise Unavailable(retry_after=2) from None

    async def _state(self, name: str) -> ServiceState:
        try:
            answer = await self.ask(name, "GET", "/health/ready", patience=1.0)
        except Unavailable:
            return ServiceState(name, "away")
        return ServiceState(name, "ready" if answer.status == 200 else "starting")
