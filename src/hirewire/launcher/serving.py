"""Serves an application with uvicorn."""

import asyncio
import gc
import socket
import time

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hirewire.kit.settings import Settings

SHUTDOWN_SECONDS = 10
LOOK_SECONDS = 0.1
HEAD_SECONDS = 20.0
"""The time limit for a complete request head, from the start of the connection."""


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with a time limit for the request head."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio: the connection is open."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """asyncio: data has arrived."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """uvicorn: a response is sent; the next request may have arrived already."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is closed."""
        self._forget()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Start or cancel the timer, which runs while a request head is incomplete."""
        at_work = self.cycle is not None and not self.cycle.response_complete
        if at_work or self.timeout_keep_alive_task is not None or self.transport.is_closing():
            self._forget()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class _Server(uvicorn.Server):
    """Stops in steps: not ready any more, then no streams, which would never end, then nothing."""

    drain_seconds = 0.0

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let whoever distributes requests notice, end the streams, then shut down.

        Until then requests are served as before: one may be on its way.
        """
        state = getattr(self.config.app, "state", None)
        if state is not None:
            state.draining = True
        until = time.monotonic() + self.drain_seconds
        while time.monotonic() < until and not self.force_exit:
            await asyncio.sleep(LOOK_SECONDS)
        stopping = getattr(state, "stopping", None)
        if stopping is not None:
            stopping()
        await super().shutdown(sockets)


def serve_application(
    application: ASGIApp, settings: Settings, *, port: int, listening: int | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; open requests and the current batch are completed first.

    `listening`: the descriptor of a socket that already listens on that port.
    """
    gc.collect()
    gc.freeze()  # exclude loaded code from garbage collection, which would delay requests
    given = None if listening is None else [socket.socket(fileno=listening)]
    server = server_of(application, host=settings.host, port=port)
    server.drain_seconds = settings.drain_seconds
    server.run(given)


def server_of(application: ASGIApp, *, host: str, port: int) -> _Server:
    """A server of one application, not started yet."""
    return _Server(
        uvicorn.Config(
            application,
            host=host,
            port=port,
            http=_Protocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `kit.addresses` determines the client
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_keep_alive=65,
        )
    )
