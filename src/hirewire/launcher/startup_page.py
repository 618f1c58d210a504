"""Responds at the public address while the platform starts: a page for people, 503 for programs.

The startup page owns the socket on which the gateway will listen. Once the gateway has its
settings, the page stops accepting; new connections wait in the socket's queue until the gateway
accepts them, so that no connection is refused.
"""

import asyncio
import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from types import TracebackType
from typing import Self

from aiohttp import web

AGAIN_SECONDS = 2
BACKLOG = 2048
LEAVING_SECONDS = 0.5
STYLE = (
    "body{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.2rem}"
    "li{list-style:none}ul{padding:0}li.done{opacity:.6}"
    ":root{color-scheme:light dark}"
)
WORDS = {
    "en": {
        "title": "Hirewire is starting",
        "said": "The page opens by itself in a moment.",
        "database": "Database",
        "broker": "Message broker",
        "schema": "Tables and queues",
        "services": "Services",
    },
    "ru": {
        "title": "Hirewire запускается",
        "said": "Страница откроется сама через несколько секунд.",
        "database": "База данных",
        "broker": "Брокер сообщений",
        "schema": "Таблицы и очереди",
        "services": "Сервисы",
    },
}
STEPS = ("database", "broker", "schema", "services")


class StartupPage:
    """Responds at `address` until it is handed over. Raises `OSError` if it cannot listen."""

    def __init__(self, host: str, port: int, steps: Sequence[str] = STEPS) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._steps = steps
        self._at = 0
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        """Start to respond."""
        self._runner = web.ServerRunner(web.Server(self._answer), handle_signals=False)
        await self._runner.setup()
        await web.SockSite(self._runner, self.socket.dup(), backlog=BACKLOG).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.hand_over()
        self.socket.close()

    def now(self, step: str) -> None:
        """Mark this step as running and those before it as done."""
        self._at = self._steps.index(step)

    async def hand_over(self) -> None:
        """Stop answering; the socket continues to queue connections."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        with suppress(TimeoutError):  # a client that has just connected still gets a response
            async with asyncio.timeout(LEAVING_SECONDS):
                while runner.server is not None and runner.server.connections:
                    await asyncio.sleep(0.01)
        await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self._said(request)
        answer.force_close()  # the next request may be for `web`
        return answer

    def _said(self, request: web.BaseRequest) -> web.Response:
        headers = {
            "Retry-After": str(AGAIN_SECONDS),
            "Cache-Control": "no-store",
        }
        if "text/html" in request.headers.get("Accept", ""):
            is_russian = request.headers.get("Accept-Language", "").lower().startswith("ru")
            page = self._page("ru" if is_russian else "en")
            return web.Response(text=page, status=503, content_type="text/html", headers=headers)
        problem = {
            "type": "urn:hirewire:problem:starting",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "The board is starting; ask again in a moment.",
        }
        kind = "application/problem+json"
        body = json.dumps(problem).encode()
        return web.Response(body=body, status=503, headers=headers, content_type=kind)

    def _page(self, language: str) -> str:
        words = {name: escape(word) for name, word in WORDS[language].items()}
        lines = "".join(
            f"<li{' class=done' if nth < self._at else ''}>"
            f"{'✓' if nth < self._at else '…' if nth == self._at else '·'} {words[step]}</li>"
            for nth, step in enumerate(self._steps)
        )
        return (
            f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width">'
            f'<meta http-equiv="refresh" content="{AGAIN_SECONDS}"><title>{words["title"]}</title>'
            f"<style>{STYLE}</style><main><h1>{words['title']}</h1>"
            f"<p>{words['said']}</p><ul>{lines}</ul></main></html>"
        )
