"""Responds at the public address while the platform starts: a page for people, 503 for programs.

The startup page owns the socket on which the gateway will listen. Once the gateway has its
settings, the page stops accepting; new connections wait in the socket's queue until the gateway
accepts them, so that no connection is refused.
"""

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from html import escape
from types import TracebackType
from typing import Self

import h11

AGAIN_SECONDS = 2
BACKLOG = 2048
LEAVING_SECONDS = 0.5
ASKING_SECONDS = 5.0
"""The time limit for a complete request head."""
MOST_BYTES = 65_536
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
        self._server: asyncio.Server | None = None
        self._answering: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        """Start to respond."""
        self._server = await asyncio.start_server(
            self._answer, sock=self.socket.dup(), backlog=BACKLOG
        )
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
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        # A client that has just connected still gets a response.
        await asyncio.sleep(0.01)
        if self._answering:
            await asyncio.wait(self._answering, timeout=LEAVING_SECONDS)
        for writer in self._answering.values():
            writer.transport.abort()
        if self._answering:
            await asyncio.wait(self._answering)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, since the next may be for `web`."""
        task = asyncio.current_task()
        assert task is not None
        self._answering[task] = writer
        try:
            async with asyncio.timeout(ASKING_SECONDS):
                writer.write(await self._answer_to(reader))
                await writer.drain()
                writer.write_eof()
            # To close with unread data would reset the connection, and the answer with it.
            async with asyncio.timeout(LEAVING_SECONDS):
                while await reader.read(MOST_BYTES):
                    pass
        except (TimeoutError, OSError):
            pass
        finally:
            del self._answering[task]
            writer.close()

    async def _answer_to(self, reader: asyncio.StreamReader) -> bytes:
        """The response to the next request, nothing if there is none."""
        connection = h11.Connection(h11.SERVER)
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(MOST_BYTES))
        except h11.RemoteProtocolError as error:
            return _sent(connection, error.error_status_hint, {"Content-Length": "0"})
        if not isinstance(event, h11.Request):
            return b""
        asked = {name: value.decode("latin-1") for name, value in event.headers}
        kind, body = self._said(asked.get(b"accept", ""), asked.get(b"accept-language", ""))
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Retry-After": str(AGAIN_SECONDS),
            "Cache-Control": "no-store",
        }
        return _sent(connection, 503, headers, b"" if event.method == b"HEAD" else body)

    def _said(self, accepted: str, language: str) -> tuple[str, bytes]:
        """The content type and the body."""
        if "text/html" in accepted:
            page = self._page("ru" if language.lower().startswith("ru") else "en")
            return "text/html; charset=utf-8", page.encode()
        problem = {
            "type": "urn:hirewire:problem:starting",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "The board is starting; ask again in a moment.",
        }
        return "application/problem+json", json.dumps(problem).encode()

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


def _sent(
    connection: h11.Connection, status: int, headers: Mapping[str, str], body: bytes = b""
) -> bytes:
    """A response as bytes, after which the connection is closed."""
    response = h11.Response(status_code=status, headers=[*headers.items(), ("Connection", "close")])
    parts = [connection.send(response), connection.send(h11.Data(body))]
    return b"".join(part for part in parts if part)
