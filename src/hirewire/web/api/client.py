"""The base of the clients: calls to one service on behalf of one visitor."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from urllib.parse import urlencode

from pydantic import JsonValue

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer, Blocked, SignInFirst, VerifyFirst, refusal_of
from hirewire.web.api.models.base import Model
from hirewire.web.api.services import PATIENCE, Reply, Services

Query = Sequence[tuple[str, str | None]] | Mapping[str, str | None]
"""Parameters of a query string; those that are None are left out."""
Typed = Mapping[str, JsonValue]
"""Form input, unchecked: the service validates it."""
FoundT = TypeVar("FoundT", bound=Model)


@dataclass(frozen=True, slots=True)
class Client:
    """A service, called on behalf of a visitor.

    Every call raises `Unavailable` if the service does not give a valid answer, `SignInFirst` if it
    does not accept the visitor's token, and `Blocked` if the visitor is blocked.
    """

    services: Services
    token: str | None = None
    address: str = ""
    """The visitor's client address."""
    language: str = ""
    """The visitor's language, for what the service writes to them."""
    agent: str = ""
    """The visitor's `User-Agent`, by which they recognise a session."""

    name: ClassVar[str]
    root: ClassVar[str]
    """The beginning of the service's paths."""

    async def _get(self, model: type[FoundT], path: str, query: Query = ()) -> Answer[FoundT]:
        return answer_of(model, await self._checked("GET", with_query(path, query)))

    async def _send(
        self,
        model: type[FoundT],
        method: str,
        path: str,
        body: JsonValue | Typed = None,
        content: tuple[bytes, str] | None = None,
        patience: float = PATIENCE,
    ) -> Answer[FoundT]:
        return answer_of(model, await self._checked(method, path, body, content, patience))

    async def _do(
        self,
        method: str,
        path: str,
        body: JsonValue | Typed = None,
        content: tuple[bytes, str] | None = None,
    ) -> Answer[None]:
        """Make a call whose answer has no data; a body of the answer is ignored."""
        return refusal_or(None, await self._checked(method, path, body, content))

    async def _file(self, path: str, query: Query = ()) -> Answer[bytes]:
        reply = await self._checked("GET", with_query(path, query))
        return refusal_or(reply.content, reply)

    async def _checked(
        self,
        method: str,
        path: str,
        body: JsonValue | Typed = None,
        content: tuple[bytes, str] | None = None,
        patience: float = PATIENCE,
    ) -> Reply:
        reply = await self._call(method, path, body, content=content, patience=patience)
        if reply.status == 401:
            code = refusal_of(reply.content).get("code")
            raise Blocked if code == "account_blocked" else SignInFirst
        self._refused(reply)
        if reply.status == 403 and refusal_of(reply.content).get("code") == "email_not_verified":
            raise VerifyFirst
        return reply

    def _refused(self, reply: Reply) -> None:
        """Raises for a refusal that concerns all calls of a client."""

    async def _call(
        self,
        method: str,
        path: str,
        body: JsonValue | Typed = None,
        *,
        content: tuple[bytes, str] | None = None,
        patience: float = PATIENCE,
        is_personal: bool = True,
    ) -> Reply:
        """Send `body` as JSON, or `content` with its media type.

        The visitor's token is sent only if `is_personal`.
        """
        headers = []
        if self.token and is_personal:
            headers.append(("authorization", f"Bearer {self.token}"))
        if self.address:
            headers.append(("x-forwarded-for", self.address))
        if self.language:
            headers.append(("accept-language", self.language))
        if self.agent:
            headers.append(("user-agent", self.agent))
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode(), "application/json"
        sent = None
        if content is not None:
            sent, kind = content
            headers.append(("content-type", kind))
        path = f"{self.root}{path}"
        reply = await self.services.ask(self.name, method, path, headers, sent, patience=patience)
        if reply.status >= 500:
            raise Unavailable(retry_after=2)
        return reply


def with_query(path: str, query: Query) -> str:
    """The path with these parameters as its query string."""
    pairs = query.items() if isinstance(query, Mapping) else query
    given = [(name, value) for name, value in pairs if value is not None]
    return f"{path}?{urlencode(given)}" if given else path


def answer_of(model: type[FoundT], reply: Reply) -> Answer[FoundT]:
    """The parsed data, or the refusal."""
    if reply.status >= 400:
        return Answer(reply.status, refusal=refusal_of(reply.content))
    return Answer(reply.status, reply.parsed(model))


ValueT = TypeVar("ValueT")


def refusal_or(found: ValueT, reply: Reply) -> Answer[ValueT]:
    """The given data, or the refusal."""
    if reply.status >= 400:
        return Answer(reply.status, refusal=refusal_of(reply.content))
    return Answer(reply.status, found)
