"""A receiver of webhooks on loopback, which verifies with the official library."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

Answer = Callable[["Request"], int | web.Response]


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    headers: dict[str, str]
    text: str

    def verified(self, secret: str) -> Any:
        """The body. Raises `WebhookVerificationError`."""
        return Webhook(secret).verify(self.text, self.headers)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Keeps all requests, and answers with what `answer` says."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answer: Answer = lambda _: 204
    seconds: float = 0.0
    """How long each answer takes."""
    hanging: asyncio.Event | None = None
    """Until it is set, no request is answered."""

    def verified(self, secret: str) -> list[Any]:
        """The bodies of all requests. Raises `WebhookVerificationError`."""
        return [one.verified(secret) for one in self.requests]

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Request(headers, await request.text())
        self.requests.append(got)
        if self.hanging is not None:
            await self.hanging.wait()
        await asyncio.sleep(self.seconds)
        answer = self.answer(got)
        return web.Response(status=answer) if isinstance(answer, int) else answer


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver()
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/{path:.*}", receiver.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        if receiver.hanging is not None:
            receiver.hanging.set()
        await runner.cleanup()
