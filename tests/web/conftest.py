"""Real servers for the tests of the gateway: upstreams that act as their path says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from hirewire.assembly import load_settings
from hirewire.launcher.process import free_port
from hirewire.web.app import create_web
from hirewire.web.upstream import Upstream

WITHIN_SECONDS = 10


@asynccontextmanager
async def serving(
    app: ASGIApp, port: int, kind: type[uvicorn.Server] = uvicorn.Server
) -> AsyncIterator[uvicorn.Server]:
    """Run the application on this port, with uvicorn as in production."""
    config = uvicorn.Config(
        app, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = kind(config)
    config.load()
    task = asyncio.create_task(server._serve())
    async with asyncio.timeout(WITHIN_SECONDS):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


@dataclass
class Seen:
    """A request as a service received it."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    size: int = 0

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value.decode() for key, value in self.headers if key == name.encode()]


@dataclass
class Service:
    """An upstream whose response the test chooses; it reports the requests that reached it."""

    answer: Callable[[Seen, Receive, Send], Awaitable[None]] | None = None
    seen: list[Seen] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        seen = Seen(scope["method"], scope["raw_path"] + query, scope["headers"])
        self.seen.append(seen)
        self.reached.set()
        await (self.answer or plain)(seen, receive, send)

    async def wait_left(self, receive: Receive) -> None:
        """Work until the caller has disconnected."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()


async def plain(seen: Seen, receive: Receive, send: Send) -> None:
    """Read the body and confirm it."""
    more = True
    while more:
        message = await receive()
        seen.size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await reply(send, b"well")


async def reply(send: Send, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """A complete response."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Front:
    """The gateway and the service `auth` behind it; `profiles` and `vacancies` are unavailable."""

    client: httpx.AsyncClient
    service: Service
    port: int
    free_port: int
    """The port where the gateway expects `profiles`."""
    app: FastAPI

    def upstream(self, name: str) -> Upstream:
        """A service as the gateway reaches it."""
        found: Upstream = self.app.state.upstreams[name]
        return found

    async def raw(self, *head: str, body: bytes = b"") -> tuple[asyncio.StreamReader, Any]:
        """Send these lines unchanged, over a separate connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join([*head, "Host: front", "", ""]).encode() + body)
        return reader, writer


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """A running gateway."""
    ports = [free_port() for _ in range(4)]
    settings = load_settings(
        {}, web_port=ports[0], auth_port=ports[1], profiles_port=ports[2], vacancies_port=ports[3]
    )
    service = Service()
    app = create_web(settings)
    async with (
        serving(service, ports[1]) as behind,
        serving(app, ports[0]) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[0]}", timeout=20) as client,
    ):
        yield Front(client, service, ports[0], ports[2], app)
        behind.should_exit = server.should_exit = True  # both end while the client closes
