"""One application on one port, by uvicorn."""

import socket

import uvicorn
from fastapi import FastAPI

from hirewire.kit.settings import Settings

SHUTDOWN_SECONDS = 10


class _Server(uvicorn.Server):
    """Tells the application before it waits for the requests at hand: a stream would never end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let streams end, then as ever."""
        stopping = getattr(getattr(self.config.app, "state", None), "stopping", None)
        if stopping is not None:
            stopping()
        await super().shutdown(sockets)


def serve_application(application: FastAPI, settings: Settings, *, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests and the batch at hand are finished first."""
    _Server(
        uvicorn.Config(
            application,
            host=settings.host,
            port=port,
            http="h11",  # what the proxy lets through is tested against its reading
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_keep_alive=65,
        )
    ).run()
