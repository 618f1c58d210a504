"""A private RabbitMQ node, if `rabbitmq-server` is installed."""

import asyncio
import base64
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil

from hirewire.launcher.process import (
    FolderInUse,
    free_port,
    hold,
    kill,
    make_folder,
    open_private,
    private_environment,
    reachable_by_others,
    spawn,
    stop,
    write_private,
)

START_SECONDS = 60.0
TRIES = 3
LOG_SHOWN = 3_000
"""Characters of the node's log shown in an error: the reason is above the summary at its end."""
LEFTOVER_SECONDS = 20.0
USER = "hirewire"
SETTINGS_FILE = "settings.json"
CANDIDATES = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/homebrew/sbin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """The content of a node's `settings.json`: name, password and ports."""

    node: str = ""
    password: str = ""
    amqp: int = 0
    management: int = 0
    dist: int = 0
    epmd: int = 0


class RabbitMQError(Exception):
    """The private node cannot be started; the message gives the reason."""


class RabbitMQMissing(RabbitMQError):
    """RabbitMQ is not installed on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "rabbitmq-server is not installed. On Debian or Ubuntu: apt-get install "
            "rabbitmq-server; or set HIREWIRE_BROKER_URL=amqp://… to a broker elsewhere"
        )


def find_server() -> Path | None:
    """The `rabbitmq-server` program, not the packaged wrapper that requires its own user."""
    for candidate in (*CANDIDATES, shutil.which("rabbitmq-server") or ""):
        if candidate and Path(candidate).exists():
            return Path(candidate)
    return None


class PrivateRabbitMQ:
    """A private node with its own name, ports, data and Erlang cookie.

    As root it runs as the package's user `rabbitmq`. It ends with this process, as does the Erlang
    port mapper (epmd) that it needs. Its messages stay in `data_dir`, which only one process at a
    time may use. Starting it raises `RabbitMQMissing` or `RabbitMQError`.
    """

    name = "RabbitMQ"

    def __init__(self, data_dir: Path, settings: NodeSettings | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._settings = settings or NodeSettings()

    @classmethod
    def started_elsewhere(cls, data_dir: Path) -> Self:
        """A node that another process has started in this folder, to ask it and to name it."""
        known = json.loads((data_dir / SETTINGS_FILE).read_text())
        return cls(data_dir, NodeSettings(**known))

    @property
    def url(self) -> str:
        """The AMQP address, with the administrator's password."""
        password = quote(self._settings.password, safe="")
        return f"amqp://{USER}:{password}@127.0.0.1:{self._settings.amqp}/%2F"

    @property
    def management_url(self) -> str:
        """The management page's address, with the administrator's password."""
        password = quote(self._settings.password, safe="")
        return f"http://{USER}:{password}@127.0.0.1:{self._settings.management}"

    async def start(self) -> None:
        """Start the node; returns once AMQP and the management API respond."""
        program = find_server()
        if program is None:
            raise RabbitMQMissing
        self._prepare()
        try:
            self._lock = self._lock or hold(self.data_dir)
        except FolderInUse as error:
            raise RabbitMQError(str(error)) from None
        try:
            await self._start(program)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, program: Path) -> None:
        log = self.data_dir / "node.log"
        for nth in range(TRIES):
            await self._end_leftover()
            self._settings = self._load_settings(keep_ports=nth == 0)
            self._write_configuration()
            await self._start_epmd()
            with open_private(log, "a") as output:
                self._process = self._spawn([str(program)], output)
            if await self._answers():
                return
            if self._process.poll() is None:  # it hangs; other ports would not help
                break
            # Another program has just taken one of its ports, or holds it in a way that a probe
            # does not detect: try other ports.
            await self._end()
        tail = log.read_text(errors="replace")[-LOG_SHOWN:]
        raise RabbitMQError(f"the RabbitMQ node did not start: {tail}")

    @property
    def has_ended(self) -> bool:
        """Whether the node has ended unexpectedly."""
        return self._process is not None and self._process.poll() is not None

    async def restart(self) -> None:
        """Restart a node that has ended, on its ports. Raises `RabbitMQError`."""
        program = find_server()
        if program is None:
            raise RabbitMQMissing
        await self._end_leftover()
        if self._epmd is None or self._epmd.poll() is not None:
            await self._start_epmd()
        with open_private(self.data_dir / "node.log", "a") as output:
            self._process = self._spawn([str(program)], output)
        if not await self._answers():
            tail = (self.data_dir / "node.log").read_text(errors="replace")[-LOG_SHOWN:]
            raise RabbitMQError(f"the RabbitMQ node did not start: {tail}")

    async def stop(self) -> None:
        """Stop the node and its Erlang port mapper."""
        await self._end()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _end(self) -> None:
        if self._process is not None:
            await stop(self._process, (signal.SIGTERM, 30))
            self._process = None
        if self._epmd is not None:
            await stop(self._epmd, (signal.SIGTERM, 2))
            self._epmd = None

    def kill(self) -> None:
        """Kill the node (for tests)."""
        for process in (self._process, self._epmd):
            if process is not None:
                kill(process)
                process.wait()
        self._process = self._epmd = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def _user(self) -> str | None:
        return "rabbitmq" if os.geteuid() == 0 else None

    def _spawn(self, argv: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return spawn(
            argv, env=self._environment(), user=self._user(), output=output, cwd=self.data_dir
        )

    def _prepare(self) -> None:
        user = self._user()
        try:
            make_folder(self.data_dir, for_others=user is not None)
        except OSError as error:
            raise RabbitMQError(f"cannot prepare {self.data_dir}: {error}") from None
        if user is not None and not reachable_by_others(self.data_dir / "x"):
            raise RabbitMQError(
                f"as root, RabbitMQ runs as {user}, which cannot access {self.data_dir}: set "
                "HIREWIRE_DATA_DIR to a folder outside private homes"
            )

    async def _end_leftover(self) -> None:
        """Wait for a killed node to end: two nodes on the same data would damage it."""
        left = _nodes_at_home_in(self.data_dir)
        for process in left:
            with suppress(psutil.Error):
                process.terminate()
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while left and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            left = [process for process in left if _is_alive(process)]
        for process in left:
            with suppress(psutil.Error):
                process.kill()
                await asyncio.to_thread(process.wait, 5)

    def _write_configuration(self) -> None:
        write_private(
            self.data_dir / "rabbitmq.conf",
            f"listeners.tcp.local = 127.0.0.1:{self._settings.amqp}\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self._settings.management}\n"
            f"default_user = {USER}\n"
            f"default_pass = {self._settings.password}\n"
            "disk_free_limit.absolute = 50MB\n",
        )
        (self.data_dir / "enabled_plugins").write_text("[rabbitmq_management].\n")
        if (user := self._user()) is not None:
            for name in (".", "rabbitmq.conf", "enabled_plugins"):
                shutil.chown(self.data_dir / name, user, pwd.getpwnam(user).pw_gid)

    def _load_settings(self, *, keep_ports: bool) -> NodeSettings:
        path = self.data_dir / SETTINGS_FILE
        known = json.loads(path.read_text()) if path.exists() else {}
        ports = known if keep_ports else {}
        settings = NodeSettings(
            node=known.get("node") or f"hirewire-{secrets.token_hex(4)}@localhost",
            password=known.get("password") or secrets.token_urlsafe(24),
            amqp=free_port(ports.get("amqp")),
            management=free_port(ports.get("management")),
            dist=free_port(ports.get("dist")),
            epmd=free_port(ports.get("epmd")),
        )
        write_private(path, json.dumps(asdict(settings)))
        return settings

    def _environment(self) -> dict[str, str]:
        return private_environment() | {
            "HOME": str(self.data_dir),
            "RABBITMQ_NODENAME": self._settings.node,
            "RABBITMQ_NODE_PORT": str(self._settings.amqp),
            "RABBITMQ_DIST_PORT": str(self._settings.dist),
            "RABBITMQ_MNESIA_BASE": str(self.data_dir / "data"),
            "RABBITMQ_LOG_BASE": str(self.data_dir / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.data_dir / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.data_dir / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "ERL_EPMD_PORT": str(self._settings.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "LANG": "C.UTF-8",
        }

    async def _answers(self) -> bool:
        assert self._process is not None
        for _ in range(int(START_SECONDS / 0.1)):
            if self._process.poll() is not None:
                return False
            if await asyncio.to_thread(self._is_up):
                return True
            await asyncio.sleep(0.1)
        return False

    def _is_up(self) -> bool:
        """Whether the management API reports a running AMQP listener, and it accepts a client.

        A node that has just started to listen may still refuse its first clients.
        """
        token = base64.b64encode(f"{USER}:{self._settings.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._settings.management}/api/health/checks/port-listener/"
            f"{self._settings.amqp}",
            headers={"Authorization": f"Basic {token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310
                return bool(answer.status == 200) and greets(self._settings.amqp)
        except (urllib.error.URLError, OSError):
            return False

    async def _start_epmd(self) -> None:
        """Start a port mapper as a child process: one started by the node would be a daemon."""
        program = shutil.which("epmd")
        if program is None:
            return
        with open_private(self.data_dir / "epmd.log", "a") as output:
            self._epmd = self._spawn([program], output)
        while self._epmd.poll() is None and not _listens(self._settings.epmd):
            await asyncio.sleep(0.01)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def greets(port: int) -> bool:
    """Whether an AMQP 0-9-1 handshake is answered with `connection.start`, a method frame."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as probe:
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            return probe.recv(1) == b"\x01"
    except OSError:
        return False


def _nodes_at_home_in(folder: Path) -> list[psutil.Process]:
    """Whether this process is a node with that home folder, according to its command line."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if "beam" in (process.info["name"] or "") and str(folder) in (process.info["cmdline"] or ())
    ]


def _is_alive(process: psutil.Process) -> bool:
    try:
        # In a container whose first process reaps no children, an ended process stays a zombie.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
