"""Two replicas of each service behind HAProxy, each of one version or the other."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx

from chaos.replica import ROOT
from hirewire.launcher.platform import as_user
from hirewire.launcher.process import free_port, private_environment, spawn, stop
from hirewire.launcher.rabbitmq import PrivateRabbitMQ

SERVICES = ("auth", "profiles", "vacancies", "notifications", "web")
START_SECONDS = 120.0
DRAIN_SECONDS = 3
"""How long a process of this version still serves after SIGTERM."""
PREVIOUS = "7d755cb9~1"
"""Before interviews, API keys, webhooks, mails about notices, pushes and alerts."""
_HEAD = """
global
  stats socket {folder}/haproxy.sock level admin
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 10s
  retries 3
  option redispatch
  option httpchk GET /health/ready
  http-check expect status 200
  default-server check inter 300 fastinter 200 rise 1 fall 3
"""


@dataclass(frozen=True)
class Version:
    """The sources of a version."""

    name: str
    folder: Path
    drains: bool = True
    """Whether it has the setting for it; otherwise whoever distributes requests is asked first."""

    def command(self, *arguments: str) -> list[str]:
        """A command of this version."""
        return [sys.executable, "-m", "hirewire", *arguments]

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        """The variables of a process of this version."""
        given = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
        given |= settings | {"PYTHONPATH": str(self.folder / "src")}
        if self.drains:
            given["HIREWIRE_DRAIN_SECONDS"] = str(DRAIN_SECONDS)
        return given


def present(folder: Path) -> Version:
    """The version of the sources here, as they are now."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return Version("N+1", folder)


def previous(commit: str, folder: Path) -> Version:
    """The version of a commit. Raises `LookupError` if the history does not have it.

    In versions before the drain, a process that starts at a newer schema is never ready: the one
    line responsible is changed here, or going back could not be shown.
    """
    done = subprocess.run(
        ["git", "archive", commit, "src"], cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode:
        raise LookupError(f"no commit {commit} here: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    schema = folder / "src" / "hirewire" / "messaging" / "schema.py"
    text = schema.read_text()
    schema.write_text(
        text.replace(
            "if applied != _newest(package):",
            "if applied is None or applied < _newest(package):",
        )
    )
    drains = "drain_seconds" in (folder / "src" / "hirewire" / "kit" / "settings.py").read_text()
    return Version("N", folder, drains)


@dataclass
class Replica:
    """One process."""

    service: str
    number: int
    port: int
    process: subprocess.Popen[bytes] | None = None
    version: Version | None = None

    @property
    def name(self) -> str:
        """Such as auth-1."""
        return f"{self.service}-{self.number}"


@dataclass
class Fleet:
    """All processes, and HAProxy in front of each service."""

    folder: Path
    settings: dict[str, str]
    say: Callable[[str], None]
    node: PrivateRabbitMQ
    passwords: dict[str, str] = field(
        default_factory=lambda: {service: secrets.token_hex(16) for service in SERVICES}
    )
    """Each service has its own user of the broker: a shared one is known as ours only since N+1."""
    fronts: dict[str, int] = field(default_factory=dict)
    replicas: list[Replica] = field(default_factory=list)
    proxy: subprocess.Popen[bytes] | None = None
    failures: Sequence[str] = ()
    """The requests that have failed, as the load notes them."""

    def __post_init__(self) -> None:
        self.fronts = {service: free_port() for service in SERVICES}
        self.replicas = [
            Replica(service, number, free_port()) for service in SERVICES for number in (1, 2)
        ]
        self.settings |= {"HIREWIRE_PUBLIC_URL": self.url("web")} | {
            f"HIREWIRE_{service.upper()}_URL": self.url(service) for service in SERVICES[:-1]
        }

    def url(self, service: str) -> str:
        """The address of a service, behind which its replicas are."""
        return f"http://127.0.0.1:{self.fronts[service]}"

    def start_proxy(self) -> None:
        """Start HAProxy. Raises `LookupError` if it is not installed."""
        program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise LookupError("no HAProxy: apt-get install haproxy")
        text = _HEAD.format(folder=self.folder)
        for service, port in self.fronts.items():
            text += f"frontend {service}\n  bind 127.0.0.1:{port}\n  default_backend {service}\n"
            text += f"backend {service}\n"
            for one in self.replicas:
                if one.service == service:
                    text += f"  server {one.name} 127.0.0.1:{one.port}\n"
        file = self.folder / "haproxy.cfg"
        file.write_text(text)
        with open(self.folder / "haproxy.log", "ab") as log:
            self.proxy = spawn(
                [program, "-db", "-f", str(file)], env=private_environment(), output=log
            )

    async def migrate(self, version: Version) -> None:
        """`hirewire migrate` of a version. Raises `RuntimeError`."""
        given = {
            "HIREWIRE_BROKER_URL": self.node.url,
            "HIREWIRE_RABBITMQ_MANAGEMENT_URL": self.node.management_url,
            "HIREWIRE_RABBITMQ_PASSWORDS": json.dumps(self.passwords),
        }
        process = await asyncio.create_subprocess_exec(
            *version.command("migrate"),
            env=version.environment(self.settings | given),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"migrate of {version.name}: {said.decode()[-2000:]}")

    async def start(self, replica: Replica, version: Version) -> None:
        """Start a replica, and wait until it is ready. Raises `TimeoutError`."""
        own = as_user(self.node.url, replica.service, self.passwords[replica.service])
        given = self.settings | {
            "HIREWIRE_BROKER_URL": own,
            f"HIREWIRE_{replica.service.upper()}_PORT": str(replica.port),
        }
        with open(self.folder / f"{replica.name}.log", "ab") as log:
            replica.process = spawn(
                version.command("serve", replica.service),
                env=version.environment(given),
                output=log,
            )
        replica.version = version
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(timeout=5) as client:
            while not await _is_ready(client, replica):
                if replica.process.poll() is not None:
                    raise RuntimeError(f"{replica.name} of {version.name} has ended: see its log")
                await asyncio.sleep(0.2)
        await asyncio.sleep(1)  # until HAProxy has noticed

    async def replace(self, replica: Replica, version: Version) -> None:
        """Stop a replica without a request being refused, and start it in another version."""
        assert replica.process is not None
        assert replica.version is not None
        if not replica.version.drains:
            await self._ask_proxy(replica, "drain")
            await asyncio.sleep(DRAIN_SECONDS)
        await stop(replica.process, (signal.SIGTERM, 40))
        await self._ask_proxy(replica, "maint" if not version.drains else "ready")
        await self.start(replica, version)
        await self._ask_proxy(replica, "ready")
        self.say(f"{replica.name} is {version.name}; {len(self.failures)} requests failed so far")

    async def roll(self, services: Sequence[str], version: Version) -> None:
        """Replace these services' replicas, one after the other."""
        for one in self.replicas:
            if one.service in services:
                await self.replace(one, version)

    async def _ask_proxy(self, replica: Replica, state: str) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self.folder / "haproxy.sock"))
        writer.write(f"set server {replica.service}/{replica.name} state {state}\n".encode())
        await writer.drain()
        await reader.read()
        writer.close()

    async def stop(self) -> None:
        """Stop everything."""
        processes = [one.process for one in self.replicas if one.process is not None]
        await asyncio.gather(*(stop(process, (signal.SIGTERM, 20)) for process in processes))
        if self.proxy is not None:
            await stop(self.proxy, (signal.SIGTERM, 5))


async def _is_ready(client: httpx.AsyncClient, replica: Replica) -> bool:
    """Before the drain, `vacancies` was ready before it could search."""
    paths = ["/health/ready"]
    if replica.service == "vacancies":
        paths.append("/api/vacancies/vacancies?q=job")
    try:
        answers = [await client.get(f"http://127.0.0.1:{replica.port}{path}") for path in paths]
    except httpx.HTTPError:
        return False
    return all(answer.status_code == 200 for answer in answers)
