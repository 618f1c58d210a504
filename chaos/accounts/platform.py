"""The whole platform as `hirewire run` starts it, with a mail server of its own, to be killed."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from chaos.replica import ROOT
from hirewire.kit.environment import load_settings
from hirewire.kit.settings import Settings
from hirewire.launcher.process import free_port, spawn, stop
from hirewire.launcher.state import found_settings

START_SECONDS = 120.0
SERVICES = ("auth", "profiles", "vacancies", "notifications", "web")


@dataclass(frozen=True)
class Mail:
    """A mail as the server took it."""

    id: str
    to: str
    subject: str
    text: str

    @property
    def row(self) -> str:
        """The id of its row in the queue."""
        return self.id.strip("<>").partition("@")[0]


class Platform:
    """Services, engines and mail server in one folder."""

    def __init__(self, folder: Path, seed: int, *, broker: str) -> None:
        self.folder, self._seed, self._broker = folder, seed, broker
        self._data, self._mails = folder / "data", folder / "mails.jsonl"
        self._ports = {name: free_port() for name in (*SERVICES, "smtp")}
        self._run: subprocess.Popen[bytes] | None = None
        self._smtp: subprocess.Popen[bytes] | None = None
        self._read, self._taken = 0, list[Mail]()
        self.faults: Counter[str] = Counter()
        self.hits: list[tuple[float, str]] = []
        """When which process was killed or frozen."""

    @property
    def url(self) -> str:
        """The public address."""
        return f"http://127.0.0.1:{self._ports['web']}"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of its processes, and of commands that are to find it."""
        return {
            "HIREWIRE_DATA_DIR": str(self._data),
            "HIREWIRE_SMTP_URL": f"smtp://127.0.0.1:{self._ports['smtp']}",
            **{f"HIREWIRE_{name.upper()}_PORT": str(self._ports[name]) for name in SERVICES},
        }

    def settings(self) -> Settings:
        """The settings with the addresses of the engines."""
        return found_settings(load_settings(), self._data)

    def service_url(self, name: str) -> str:
        """The address of a service's own port."""
        return f"http://127.0.0.1:{self._ports[name]}"

    async def start(self) -> None:
        """Start everything, and wait until it is ready. Raises `TimeoutError`."""
        self._mails.touch()
        self.start_smtp()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
        environment |= {
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            **self.environment,
        }
        with open(self.folder / "platform.log", "ab") as log:
            self._run = spawn(
                [sys.executable, "-m", "hirewire", "run", "--broker", self._broker],
                env=environment,
                output=log,
            )
        async with asyncio.timeout(START_SECONDS):
            await self.wait_ready()

    async def wait_ready(self) -> None:
        """Wait until every service answers that it is ready."""
        async with httpx.AsyncClient(timeout=5) as client:
            for name in SERVICES:
                while not await _is_ready(client, f"{self.service_url(name)}/health/ready"):
                    await asyncio.sleep(0.2)

    def start_smtp(self) -> None:
        """Start the mail server."""
        self._smtp = spawn(
            [
                sys.executable,
                "-m",
                "chaos.accounts.smtp",
                str(self._ports["smtp"]),
                str(self._mails),
                str(self._seed),
            ],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )

    async def stop(self) -> None:
        """Stop everything."""
        for process in (self._run, self._smtp):
            if process is not None:
                await stop(process, (signal.SIGTERM, 40))

    def mails(self) -> list[Mail]:
        """All mails that the server has taken, oldest first."""
        with open(self._mails, "rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        if whole:
            self._read += len(whole) + 1
            self._taken += [Mail(**json.loads(line)) for line in whole.splitlines()]
        return self._taken

    def _pid(self, victim: str) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            if victim == "postgres":
                [file] = (self._data / "postgres").glob("*/postmaster.pid")
                return int(file.read_text().split()[0])
            if victim == "rabbitmq":
                return _beam(self._data)
            return int((self._data / "run" / f"{victim}.pid").read_text())
        return None

    async def fault(self, rng: random.Random) -> None:
        """One fault: a kill -9 of something, or a service that is frozen for a while."""
        engines = ["rabbitmq"] if self._broker == "rabbitmq" else []
        victims = [*SERVICES, *SERVICES, "auth", "smtp", "smtp", *engines, "postgres"]
        await self.hit(rng.choice(victims), rng)

    async def hit(self, victim: str, rng: random.Random) -> None:
        """Kill it, or freeze it for a while if it is a service."""
        if victim == "smtp":
            await self._smtp_away(rng)
            return
        pid = self._pid(victim)
        if pid is None:
            return
        kind = "frozen" if victim in SERVICES and rng.random() < 0.3 else "killed"
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            self.faults[f"{victim} {kind}"] += 1
            self.hits.append((time.time(), victim))
            if kind == "killed":
                for child in process.children(recursive=True) if victim == "postgres" else []:
                    child.kill()
                process.kill()
            else:
                process.suspend()
                try:
                    await asyncio.sleep(rng.uniform(1, 8))
                finally:
                    process.resume()

    async def _smtp_away(self, rng: random.Random) -> None:
        assert self._smtp is not None
        self.faults["smtp killed"] += 1
        self._smtp.kill()
        self._smtp.wait()
        try:
            await asyncio.sleep(rng.uniform(0, 5))
        finally:
            self.start_smtp()


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


def _beam(folder: Path) -> int | None:
    """The process of the node whose data are in this folder."""
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "beam.smp" and any(str(folder) in word for word in words):
            return int(process.pid)
    return None
