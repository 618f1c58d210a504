"""Health, readiness and metrics of a service's process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.db import pending
from hirewire.messaging.background import describe
from hirewire.messaging.runtime import Messaging

_PROBE = """
insert into kit.probe as p (one) values (true) on conflict (one) do update set at = now()
"""
BEGINNING_SECONDS = 600.0
"""A process that has not begun by then is ready all the same: what works is better than nothing."""


class Beginning:
    """What a process must have done once before it is ready, or tried for ten minutes."""

    def __init__(
        self, begun: Mapping[str, Callable[[AsyncEngine], bool]], engine: AsyncEngine
    ) -> None:
        self._missing = dict(begun)
        self._engine = engine
        self._until = time.monotonic() + BEGINNING_SECONDS

    def checks(self) -> dict[str, str]:
        """The parts of readiness that are still missing."""
        for name in [name for name, is_done in self._missing.items() if is_done(self._engine)]:
            del self._missing[name]
        if time.monotonic() > self._until:
            self._missing.clear()
        return dict.fromkeys(self._missing, "not ready yet")


def operations(
    service: str, engine: AsyncEngine, messaging: Messaging, begun: Beginning
) -> APIRouter:
    """The routes for whoever runs the service."""
    router = APIRouter(include_in_schema=False)
    migrated = False

    async def database() -> None:
        """Check the database with a write, since a full disk or a standby still answers queries."""
        nonlocal migrated
        if not migrated:
            behind = await pending(engine, service)
            if behind:
                raise RuntimeError(f"migrations are not applied: {', '.join(behind)}")
            migrated = True
        async with engine.begin() as connection:
            await connection.exec_driver_sql(_PROBE)

    @router.get("/health/live")
    async def live() -> JSONResponse:
        status = "live" if messaging.healthy else "a background task has ended"
        return JSONResponse({"status": status}, 200 if messaging.healthy else 503)

    @router.get("/health/serving")
    async def serving(request: Request) -> JSONResponse:
        return _readiness(request, {"database": await _check(database()), **begun.checks()})

    @router.get("/health/ready")
    async def ready(request: Request) -> JSONResponse:
        return _readiness(
            request,
            {
                "database": await _check(database()),
                "broker": await _check(messaging.broker.ping()),
                **begun.checks(),
            },
        )

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _readiness(request: Request, checks: Mapping[str, str]) -> JSONResponse:
    good = all(value == "ok" for value in checks.values())
    status = "ready" if good else "not ready"
    if request.app.state.draining:
        good, status = False, "stopping"
    return JSONResponse({"status": status, "checks": checks}, 200 if good else 503)


async def _check(work: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(3):
            await work
    except Exception as error:
        return describe(error)
    return "ok"
