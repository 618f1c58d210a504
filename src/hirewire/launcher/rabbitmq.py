"""A private RabbitMQ node with its management page, where `rabbitmq-server` is on the machine."""

import asyncio
import base64
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from hirewire.launcher.process import (
    free_port,
    kill,
    private_environment,
    reachable_by_others,
    spawn,
    stop,
)

START_SECONDS = 60.0
USER = "hirewire"
CANDIDATES = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/homebrew/sbin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
)


class RabbitMQError(Exception):
    """The private node cannot be started; the message says why."""


class RabbitMQMissing(RabbitMQError):
    """RabbitMQ is not on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "rabbitmq-server is not on this machine. On Debian or Ubuntu: apt-get install "
            "rabbitmq-server; or set HIREWIRE_BROKER_URL=amqp://… to a broker elsewhere"
        )


def find_server() -> Path | None:
    """The `rabbitmq-server` program, not the packaged wrapper that insists on its own user."""
    for candidate in (*CANDIDATES, shutil.which("rabbitmq-server") or ""):
        if candidate and Path(candidate).exists():
            return Path(candidate)
    return None


class PrivateRabbitMQ:
    """A node of one's own: name, ports, data and Erlang cookie apart from any other's.

    As root it is run by the package's user `rabbitmq`. Ends with this process; its messages stay
    in `data_dir`. Raises `RabbitMQMissing` or `RabbitMQError` at the start.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._settings: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The AMQP address, with the administrator's password."""
        password = quote(self._settings["password"], safe="")
        return f"amqp://{USER}:{password}@127.0.0.1:{self._settings['amqp']}/%2F"

    @property
    def management_url(self) -> str:
        """The management page's address, with the administrator's password."""
        password = quote(self._settings["password"], safe="")
        return f"http://{USER}:{password}@127.0.0.1:{self._settings['management']}"

    async def start(self) -> None:
        """Start it, and return once AMQP and the management API answer."""
        program = find_server()
        if program is None:
            raise RabbitMQMissing
        self._prepare()
        with open(self.data_dir / "node.log", "ab") as log:
            self._process = spawn(
                [str(program)],
                env=self._environment(),
                user=self._user(),
                output=log,
                cwd=self.data_dir,
            )
        if not await self._answers():
            tail = (self.data_dir / "node.log").read_text(errors="replace")[-800:]
            await self.stop()
            raise RabbitMQError(f"the RabbitMQ node does not start: {tail}")

    async def stop(self) -> None:
        """Stop it cleanly, and the Erlang port mapper that came with it."""
        if self._process is not None:
            await stop(self._process, (signal.SIGTERM, 30))
            self._process = None
        self._stop_epmd()

    def kill(self) -> None:
        """End it as a power cut would (for tests)."""
        if self._process is not None:
            kill(self._process)
            self._process.wait()
            self._process = None

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

    def _prepare(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        user = self._user()
        if user is not None and not reachable_by_others(self.data_dir / "x"):
            raise RabbitMQError(
                f"as root, RabbitMQ runs as {user}, who cannot reach {self.data_dir}: set "
                "HIREWIRE_DATA_DIR to a folder outside private homes"
            )
        self._settings = self._load_settings()
        (self.data_dir / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self._settings['amqp']}\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self._settings['management']}\n"
            f"default_user = {USER}\n"
            f"default_pass = {self._settings['password']}\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        (self.data_dir / "rabbitmq.conf").chmod(0o600)
        (self.data_dir / "enabled_plugins").write_text("[rabbitmq_management].\n")
        if user is not None:
            account = pwd.getpwnam(user)
            for path in (self.data_dir, *self.data_dir.iterdir()):
                if path.is_dir() or (path.suffix in (".conf", "") and path.name != "settings.json"):
                    os.chown(path, account.pw_uid, account.pw_gid)

    def _load_settings(self) -> dict[str, Any]:
        path = self.data_dir / "settings.json"
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        settings = {
            "node": known.get("node") or f"hirewire-{secrets.token_hex(4)}@localhost",
            "password": known.get("password") or secrets.token_urlsafe(24),
        }
        for port in ("amqp", "management", "dist", "epmd"):
            settings[port] = free_port(known.get(port))
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(settings, file)
        return settings

    def _environment(self) -> dict[str, str]:
        return private_environment() | {
            "HOME": str(self.data_dir),
            "RABBITMQ_NODENAME": self._settings["node"],
            "RABBITMQ_NODE_PORT": str(self._settings["amqp"]),
            "RABBITMQ_DIST_PORT": str(self._settings["dist"]),
            "RABBITMQ_MNESIA_BASE": str(self.data_dir / "data"),
            "RABBITMQ_LOG_BASE": str(self.data_dir / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.data_dir / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.data_dir / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "ERL_EPMD_PORT": str(self._settings["epmd"]),
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
        """Whether the management API is there and says that the AMQP listener runs."""
        token = base64.b64encode(f"{USER}:{self._settings['password']}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._settings['management']}/api/health/checks/port-listener/"
            f"{self._settings['amqp']}",
            headers={"Authorization": f"Basic {token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _stop_epmd(self) -> None:
        """The port mapper is a daemon that outlives its nodes; this one is ours alone."""
        epmd = shutil.which("epmd")
        if epmd and self._settings:
            subprocess.run(
                [epmd, "-port", str(self._settings["epmd"]), "-kill"],
                capture_output=True,
                check=False,
                env=private_environment() | {"ERL_EPMD_ADDRESS": "127.0.0.1"},
            )
