"""One application on one port, by uvicorn."""

import uvicorn
from fastapi import FastAPI

from hirewire.kit.settings import Settings

SHUTDOWN_SECONDS = 10


def serve_application(application: FastAPI, settings: Settings, *, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests and the batch at hand are finished first."""
    uvicorn.Server(
        uvicorn.Config(
            application,
            host=settings.host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_keep_alive=65,
        )
    ).run()
