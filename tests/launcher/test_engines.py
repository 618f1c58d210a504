"""The embedded engines as processes: started, refused, stopped, found again."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest

from hirewire.launcher.postgres import EmbeddedPostgres, PostgresError
from hirewire.launcher.process import spawn, stop
from hirewire.launcher.restarts import kept_running
from tests.builders import eventually
from tests.launcher.launching import Launch, folder, kill_9, launch

__all__ = ["folder", "launch"]


ROOT = Path(__file__).resolve().parents[2]


async def test_the_embedded_postgres(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("select lower('ПРИВЕТ, Ёж')") == "привет, ёж"
        assert await connection.fetchval("select 'ПРИВЕТ' ilike 'прив%'")
        assert await connection.fetchval(
            "select to_tsvector('russian', 'Вакансии') @@ to_tsquery('russian', 'вакансия')"
        )
        await connection.execute("create table kept (n int)")
        await connection.close()
        wrong = server.url().replace("postgres:", "postgres:wrong", 1)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(wrong.replace("postgresql:wrong", "postgresql:"))
        assert (folder / "pg" / "password").stat().st_mode & 0o777 == 0o600
        with pytest.raises(PostgresError, match=f"process {os.getpid()} is already using"):
            await EmbeddedPostgres(folder / "pg").start()
    async with EmbeddedPostgres(folder / "pg", durable=False) as again:
        assert again.port == server.port
        connection = await asyncpg.connect(again.url())
        assert await connection.fetchval("select count(*) from kept") == 0
        await connection.close()


async def test_data_of_another_version_is_refused(folder: Path) -> None:
    (folder / "pg" / "cluster-17").mkdir(parents=True)
    with pytest.raises(PostgresError, match="another PostgreSQL"):
        await EmbeddedPostgres(folder / "pg").start()


LAUNCH = """
import asyncio, sys
from pathlib import Path
from hirewire.launcher.postgres import EmbeddedPostgres
async def main():
    async with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as server:
        print(server.url(), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_after_a_killed_launcher_the_next_start_succeeds_at_once(
    launch: Launch, folder: Path
) -> None:
    launcher, url = await launch(LAUNCH, folder / "pg")
    connection = await asyncpg.connect(url)
    await connection.execute("create table kept (n int)")
    kill_9(launcher)
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        again = await asyncpg.connect(server.url())
        assert await again.fetchval("select count(*) from kept") == 0
        await again.close()
    connection.terminate()


async def test_an_interrupted_first_start_is_resumed(folder: Path) -> None:
    (folder / "pg" / "cluster-new" / "base").mkdir(parents=True)
    (folder / "pg" / "password").write_text("of the start that was interrupted")
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        await (await asyncpg.connect(server.url())).close()
    assert not (folder / "pg" / "cluster-new").exists()


async def test_one_of_two_concurrent_launchers_is_refused(folder: Path) -> None:
    servers = [EmbeddedPostgres(folder / "pg", durable=False) for _ in range(2)]
    first, second = await asyncio.gather(
        *(server.start() for server in servers), return_exceptions=True
    )
    for server in servers:
        await server.stop()
    assert first is None
    assert isinstance(second, PostgresError)
    assert "already" in str(second)


async def test_the_last_servers_process_id_may_belong_to_another_program(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "pg", durable=False):
        record = (folder / "pg" / "cluster-18" / "postmaster.pid").read_text()
    user = "hirewire-postgres" if os.geteuid() == 0 else None
    foreign = spawn(["sleep", "600"], env=os.environ, user=user)
    lines = [str(foreign.pid), *record.splitlines()[1:]]
    (folder / "pg" / "cluster-18" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        await (await asyncpg.connect(server.url())).close()
    assert foreign.poll() is None
    await stop(foreign, (signal.SIGTERM, 5))


async def test_no_row_and_no_statement_reaches_the_log(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("create table people (email text unique)")
        insert = "insert into people values ('anna@example.org')"
        await connection.execute(insert)
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(insert)
        await connection.close()
    log = folder / "pg" / "postgres.log"
    assert "duplicate key value" in log.read_text()
    assert "anna" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_strict_umask_does_not_break_access(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        async with EmbeddedPostgres(folder / "deep" / "pg", durable=False) as server:
            await (await asyncpg.connect(server.url())).close()
    finally:
        os.umask(before)


def _linked(source: str, target: str) -> None:
    """Link a file instead of copying it, if both are on one disk: there is a gigabyte of them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.mark.long
async def test_as_an_ordinary_user(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    account = pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    packages = Path(asyncpg.__file__).parents[1]
    reachable = folder / "packages"
    # Packages that a user has installed; root's own may be in a folder closed to others.
    await asyncio.to_thread(
        shutil.copytree, packages, reachable, symlinks=True, copy_function=_linked
    )
    shutil.copytree(ROOT / "src" / "hirewire", reachable / "hirewire", dirs_exist_ok=True)
    done = await asyncio.to_thread(
        subprocess.run,
        ["/usr/bin/python3", "-c", LAUNCH.replace("sleep(600)", "sleep(0)"), str(folder / "pg")],
        env={"PYTHONPATH": str(reachable), "HOME": str(folder), "PATH": os.environ["PATH"]},
        cwd=folder,
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        capture_output=True,
        check=False,
    )
    if b"ModuleNotFoundError" in done.stderr or b"ImportError" in done.stderr:
        pytest.skip("the system's Python is of another version than these packages")
    assert done.stdout.startswith(b"postgresql://"), done.stderr.decode()


async def test_an_engine_that_ends_is_started_again(folder: Path) -> None:
    """As services are; until then they respond 503."""
    async with EmbeddedPostgres(folder / "pg") as server, kept_running(server):
        connection = await asyncpg.connect(server.url())
        await connection.execute("create table kept (n int); insert into kept values (1)")
        assert server._process is not None
        for _ in range(2):
            os.kill(server._process.pid, signal.SIGKILL)

            async def answers() -> bool:
                try:
                    found = await asyncpg.connect(server.url(), timeout=5)
                except (OSError, asyncpg.PostgresError, TimeoutError):
                    return False
                assert await found.fetchval("select count(*) from kept") == 1
                await found.close()
                return not server.has_ended

            await eventually(answers)
        connection.terminate()
    assert server._process is None
