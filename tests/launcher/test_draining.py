"""A process that is asked to stop is not ready any more, and serves until requests stop coming."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx

from hirewire.kit.service import create_app
from hirewire.kit.settings import Settings
from hirewire.launcher.process import free_port
from hirewire.launcher.serving import server_of
from hirewire.profiles.app import SERVICE
from tests.builders import eventually
from tests.services import SECRET_KEY, NoBroker, copy_of_migrated


async def test_a_stopping_process_serves_and_is_not_ready(
    fresh_address: str,
) -> None:
    settings = Settings(database_url=fresh_address, secret_key=SECRET_KEY)
    await copy_of_migrated(settings.service_database("profiles"), "profiles")
    ended: list[bool] = []

    @asynccontextmanager
    async def resource(*_: object) -> AsyncIterator[None]:
        yield
        ended.append(True)

    service = replace(SERVICE, lifespan=[resource])
    app = create_app(service, settings, role="api", broker=NoBroker())
    port = free_port()
    server = server_of(app, host="127.0.0.1", port=port)
    server.drain_seconds = 60.0
    serving = asyncio.create_task(server.serve())

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        def answers(path: str, status: int) -> Callable[[], Awaitable[bool]]:
            async def asked() -> bool:
                try:
                    return (await client.get(path)).status_code == status
                except httpx.HTTPError:
                    return False

            return asked

        for path in ("/health/ready", "/health/serving"):
            await eventually(answers(path, 200), within=60)
        server.should_exit = True
        for path in ("/health/ready", "/health/serving"):
            await eventually(answers(path, 503), within=60)
            assert (await client.get(path)).json()["status"] == "stopping"
        fresh = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")  # a new connection, too
        for one in (client, fresh):
            assert (await one.get("/health/live")).status_code == 200
            assert (await one.get("/api/profiles/me")).status_code == 401
        await fresh.aclose()
        assert not serving.done()
        server.drain_seconds = 0.0
    await asyncio.wait_for(serving, 60)
    assert ended, "what the service had opened is closed"
