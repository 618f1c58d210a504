"""The embedded PostgreSQL, with functions for tests only: other addresses, power cuts, standbys."""

import asyncio
import pwd
import shutil
import signal
from pathlib import Path

import asyncpg
import psutil

from hirewire.launcher.postgres import EmbeddedPostgres, PostgresError
from hirewire.launcher.process import open_private, private_environment, spawn, write_private

HOSTS = "host all all 10.0.0.0/8 scram-sha-256\n"


class Postgres(EmbeddedPostgres):
    """A server that also listens on `address`, if given."""

    def __init__(self, data_dir: Path, *, address: str | None = None) -> None:
        super().__init__(data_dir)
        self._addresses = ",".join(filter(None, ("127.0.0.1", address)))

    async def kill(self) -> None:
        """Kill all of its processes, as a power cut would."""
        if self._process is not None:
            left = [psutil.Process(self._process.pid)]
            left += left[0].children(recursive=True)
            for process in left:
                process.kill()
            self._process.wait()
            await asyncio.to_thread(psutil.wait_procs, left, 10)
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def make_standby(self, data_dir: Path, port: int) -> "Postgres":
        """A streaming standby, not started, that connects to this server at `port` of 127.0.0.1."""
        data_dir.mkdir(mode=0o755)
        target = data_dir / self._cluster.name
        target.mkdir(mode=0o700)
        if self._user:
            shutil.chown(target, self._user, pwd.getpwnam(self._user).pw_gid)
        address = f"host=127.0.0.1 port={port} user=postgres password={self._password}"
        argv = [str(self._binaries() / "pg_basebackup"), "-D", str(target), "-d", address]
        log = data_dir / "basebackup.log"
        if await self._run_to_its_end([*argv, "-R", "-X", "stream", "-c", "fast"], log):
            raise PostgresError(f"pg_basebackup: {log.read_text()[-500:]}")
        write_private(data_dir / "password", self._password)
        return Postgres(data_dir)

    async def promote(self) -> None:
        """Make the standby the primary."""
        connection = await asyncpg.connect(self.url())
        try:
            if not await connection.fetchval("select pg_promote(true, 60)"):
                raise PostgresError("the standby has not become the primary")
        finally:
            await connection.close()

    async def dump(self, database: str, file: Path) -> None:
        """`pg_dump` of one database, as documented."""
        await self._tool("pg_dump", "--format=custom", f"--file={file}", self.url(database))

    async def restore(self, database: str, file: Path) -> None:
        """`pg_restore` into a new database of that name."""
        await self._tool("dropdb", "--if-exists", "--force", database)
        await self._tool("createdb", database)
        await self._tool("pg_restore", "--exit-on-error", f"--dbname={self.url(database)}", file)

    async def _tool(self, program: str, *arguments: str | Path) -> None:
        argv = [str(self._binaries() / program), *map(str, arguments)]
        if program in ("dropdb", "createdb"):
            argv.insert(1, f"--maintenance-db={self.url()}")
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=private_environment()
            | {
                "PGHOST": "127.0.0.1",
                "PGPORT": str(self.port),
                "PGUSER": "postgres",
                "PGPASSWORD": self._password,
            },
            stderr=asyncio.subprocess.PIPE,
        )
        _, problem = await process.communicate()
        if process.returncode:
            raise PostgresError(f"{program}: {problem.decode()[-500:]}")

    async def _initialise(self, binaries: Path) -> None:
        await super()._initialise(binaries)
        with (self._cluster / "pg_hba.conf").open("a") as file:
            file.write(HOSTS)

    async def _run(self, binaries: Path) -> bool:
        settings = {
            "listen_addresses": self._addresses,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            "jit": "off",
            "password_encryption": "scram-sha-256",
            "wal_keep_size": "256MB",
        }
        argv = [str(binaries / "postgres"), "-D", str(self._cluster)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        with open_private(self.data_dir / "postgres.log", "a") as log:
            self._process = spawn(
                argv,
                env=private_environment(),
                user=self._user,
                output=log,
                cwd=Path("/"),
                death_signal=signal.SIGINT,
            )
        return await self._answers()
