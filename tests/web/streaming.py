"""Open pages of a web front end, and the services behind it."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from starlette.types import Receive, Scope, Send

from tests.builders import eventually
from tests.web.conftest import reply


def token(user: UUID, seconds: float = 600) -> str:
    claims = json.dumps({"sub": str(user), "exp": time.time() + seconds}).encode()
    return f"Bearer x.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.y"


@dataclass
class Behind:
    """The responses of `auth` and `vacancies`: every token is valid, and these people hire."""

    companies: dict[str, UUID] = field(default_factory=dict)
    refuses: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        body = headers.get(b"authorization", b"").split(b".")
        if len(body) != 3 or self.refuses:
            await reply(send, b"{}", status=401)
            return
        who = json.loads(base64.urlsafe_b64decode(body[1] + b"=="))["sub"]
        if scope["path"] == "/api/auth/me":
            await reply(send, json.dumps({"id": who}).encode())
        elif who in self.companies:
            await reply(send, json.dumps({"companyId": str(self.companies[who])}).encode())
        else:
            await reply(send, b"{}", status=404)


@dataclass
class Page:
    """An open page, and what its stream has received."""

    last: str | None = None
    """The id of the last event."""
    events: list[tuple[str, dict[str, Any], str | None]] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    has_ended: bool = False
    task: asyncio.Task[None] | None = None

    async def read(self, client: httpx.AsyncClient, authorization: str) -> None:
        """Read a stream to its end, from where the last one ended."""
        headers = {"Authorization": authorization}
        if self.last:
            headers["Last-Event-ID"] = self.last
        async with client.stream("GET", "/live", headers=headers) as answer:
            assert answer.status_code == 200
            self.opened.set()
            event: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                    continue
                if "event" in event:
                    data = json.loads(event["data"])
                    self.events.append((event["event"], data, event.get("id")))
                    self.last = event.get("id", self.last)
                event = {}
        self.has_ended = True

    def names(self) -> list[str]:
        return [name for name, _, _ in self.events if name != "catch-up"]

    async def received(self, name: str) -> tuple[str, dict[str, Any], str | None]:
        async def there() -> bool:
            return name in [event[0] for event in self.events]

        await eventually(there, what=f"{name} in {self.events}")
        return next(event for event in self.events if event[0] == name)
