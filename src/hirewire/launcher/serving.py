"""Serves applications with uvicorn."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hirewire.kit.settings import Settings
from hirewire.launcher.memory import collect_seldom, keep_tidy
from hirewire.launcher.stalls import watched

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
    beside: Sequence["_Server"] = ()
    """Servers of the same process, which end when this one is asked to."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn: signals are of the process, not of one of its servers."""
        yield

    def of_the_process(self) -> AbstractContextManager[None]:
        """Capture the signals of the process; one that came is raised again at the end."""
        return super().capture_signals()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn: the process was asked to end."""
        super().handle_exit(sig, frame)
        for one in self.beside:
            one.should_exit, one.force_exit = self.should_exit, self.force_exit

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let whoever distributes requests notice, end the streams, then shut down.

        Until then requests are served as before: one may be on its way.
        """
        state = getattr(self.config.app, "state", None)
        if state is not None:
            state.draining = True
        began = time.monotonic()
        while time.monotonic() < began + self.drain_seconds and not self.force_exit:
            await asyncio.sleep(LOOK_SECONDS)
        stopping = getattr(state, "stopping", None)
        if stopping is not None:
            stopping()
        await super().shutdown(sockets)


@dataclass(frozen=True)
class Served:
    """An application, and where it is served."""

    name: str
    """Of the process, as its logs have it."""
    application: ASGIApp
    settings: Settings
    port: int
    listening: int | None = None
    """The descriptor of a socket that already listens on that port."""


def serve_applications(served: Sequence[Served]) -> None:
    """Serve until SIGTERM or SIGINT; open requests and the current batch are completed first.

    Several share this process, and an application that cannot start ends it with code 3.
    """
    collect_seldom()
    servers = []
    for one in served:
        server = server_of(one.application, host=one.settings.host, port=one.port)
        server.drain_seconds = one.settings.drain_seconds
        servers.append(server)
    with asyncio.Runner(loop_factory=servers[0].config.get_loop_factory()) as runner:
        runner.run(_serve_all(served, servers))


async def _serve_all(served: Sequence[Served], servers: Sequence[_Server]) -> None:
    first, *first.beside = servers
    tidying = asyncio.create_task(keep_tidy())
    with first.of_the_process(), watched(", ".join(one.name for one in served)):
        async with asyncio.TaskGroup() as group:
            for one, server in zip(served, servers, strict=True):
                group.create_task(_serve(one, server))
    tidying.cancel()


async def _serve(one: Served, server: _Server) -> None:
    structlog.contextvars.bind_contextvars(process=one.name)
    given = None if one.listening is None else [socket.socket(fileno=one.listening)]
    await server.serve(given)


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
