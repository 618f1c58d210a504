"""The whole platform as processes, which the tests start, kill and restart."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hirewire import assembly, provisioning
from hirewire.kit.settings import Settings
from hirewire.launcher.process import free_port, stop
from hirewire.operators.client import Operators
from tests.builders import eventually
from tests.journeys.forked import fork
from tests.services import SECRET_KEY, copy_of_migrated


class Platform:
    """Services as separate processes, over one database server and one broker."""

    def __init__(self, database_url: str, broker_url: str, log: Path) -> None:
        ports = {f"HIREWIRE_{name.upper()}_PORT": str(free_port()) for name in assembly.PROCESSES}
        self.environment = {
            "HIREWIRE_DATABASE_URL": database_url,
            "HIREWIRE_BROKER_URL": broker_url,
            "HIREWIRE_PUBLIC_URL": f"http://127.0.0.1:{ports['HIREWIRE_WEB_PORT']}",
            "HIREWIRE_SMTP_URL": f"file://{log.parent / 'mail'}",
            "HIREWIRE_OPERATOR_TOKEN": "operators-of-these-tests",
            "HIREWIRE_SECRET_KEY": SECRET_KEY,
            **ports,
        }
        self.settings: Settings = assembly.load_settings(self.environment)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.log = log

    async def migrate(self) -> None:
        for name in assembly.SERVICES:
            await copy_of_migrated(self.settings.service_database(name), name)
        await provisioning.migrate(self.settings)

    async def start(self, *names: str) -> None:
        """Start these services, and return once they are ready."""
        for name in names:
            self.spawn(name)
        for name in names:
            await self.ready(name)

    def spawn(self, name: str) -> None:
        environment = self._inherited() | self.environment
        self.processes[name] = fork(["serve", name], env=environment, log=self.log)

    async def ready(self, name: str) -> None:
        async with httpx.AsyncClient(timeout=5) as client:

            async def answers() -> bool:
                try:
                    found = await client.get(f"{self.settings.service_url(name)}/health/ready")
                except httpx.HTTPError:
                    return False
                return found.status_code == 200

            await eventually(answers, within=60, what=f"{name} is ready; see {self.log}")

    def kill(self, name: str) -> None:
        """Kill a service, as a power cut would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    async def stop(self, *names: str) -> None:
        ended = [self.processes.pop(name) for name in names or tuple(self.processes)]
        await asyncio.gather(*(stop(process, (signal.SIGTERM, 20)) for process in ended))

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.settings.service_url("web"), timeout=30)

    def operators(self) -> Operators:
        """The services' internal API."""
        urls = {name: self.settings.service_url(name) for name in assembly.SERVICES}
        return Operators(urls, str(self.settings.operator_token))

    @staticmethod
    def _inherited() -> dict[str, str]:
        return {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}


@pytest.fixture
async def platform(fresh_address: str, broker_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """A migrated platform without running services."""
    made = Platform(fresh_address, broker_url, tmp_path / "platform.log")
    await made.migrate()
    yield made
    await asyncio.shield(made.stop())
