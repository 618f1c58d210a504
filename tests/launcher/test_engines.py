"""The embedded engines as processes: started, refused, stopped, found again."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from hirewire.assembly import load_settings
from hirewire.launcher import rabbitmq as rabbitmq_module
from hirewire.launcher.postgres import EmbeddedPostgres, PostgresError
from hirewire.launcher.process import FolderInUse, free_port, spawn, stop, wait_gone
from hirewire.launcher.rabbitmq import (
    PrivateRabbitMQ,
    RabbitMQError,
    RabbitMQMissing,
    greets,
)
from hirewire.launcher.restarts import kept_running
from hirewire.launcher.state import (
    RunningPlatform,
    found_settings,
    hold_state,
    read_state,
    write_state,
)
from hirewire.launcher.supervisor import Child, Supervisor
from hirewire.messaging.broker import (
    BrokerUnavailable,
    Message,
    Outcome,
    QueueTopology,
    open_broker,
)
from tests.builders import eventually
from tests.conftest import ensure_rabbitmq

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def folder(scratch: Path, request: pytest.FixtureRequest) -> Path:
    path = scratch / f"engines-{abs(hash(request.node.name))}"
    path.mkdir()
    return path


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
        with pytest.raises(PostgresError, match=f"process {os.getpid()} uses .* already"):
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


Launch = Callable[[str, Path], Awaitable[tuple[subprocess.Popen[bytes], str]]]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Starts a launcher in a process of its own; gives what it says once its engine is up."""
    launchers: list[subprocess.Popen[bytes]] = []

    async def start(script: str, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
        launcher = subprocess.Popen(
            [sys.executable, "-c", script, str(folder)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        )
        launchers.append(launcher)
        assert launcher.stdout is not None
        said = (await asyncio.to_thread(launcher.stdout.readline)).decode().strip()
        launcher.stdout.close()
        return launcher, said

    yield start
    for launcher in launchers:
        kill_9(launcher)


def is_alive(pid: int) -> bool:
    """Zombies are not: somebody else may take their time to reap them."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def kill_9(launcher: subprocess.Popen[bytes]) -> None:
    launcher.kill()
    launcher.wait()


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


async def test_a_first_start_that_was_interrupted_is_taken_up_again(folder: Path) -> None:
    (folder / "pg" / "cluster-new" / "base").mkdir(parents=True)
    (folder / "pg" / "password").write_text("of the start that was interrupted")
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        await (await asyncpg.connect(server.url())).close()
    assert not (folder / "pg" / "cluster-new").exists()


async def test_of_two_launchers_at_once_one_is_refused(folder: Path) -> None:
    servers = [EmbeddedPostgres(folder / "pg", durable=False) for _ in range(2)]
    first, second = await asyncio.gather(
        *(server.start() for server in servers), return_exceptions=True
    )
    for server in servers:
        await server.stop()
    assert first is None
    assert isinstance(second, PostgresError)
    assert "already" in str(second)


async def test_a_number_of_the_last_server_that_another_program_has_now(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "pg", durable=False):
        record = (folder / "pg" / "cluster-18" / "postmaster.pid").read_text()
    user = "hirewire-postgres" if os.geteuid() == 0 else None
    stranger = spawn(["sleep", "600"], env=os.environ, user=user)
    lines = [str(stranger.pid), *record.splitlines()[1:]]
    (folder / "pg" / "cluster-18" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        await (await asyncpg.connect(server.url())).close()
    assert stranger.poll() is None
    await stop(stranger, (signal.SIGTERM, 5))


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


async def test_a_strict_umask_keeps_nobody_out(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        async with EmbeddedPostgres(folder / "deep" / "pg", durable=False) as server:
            await (await asyncpg.connect(server.url())).close()
    finally:
        os.umask(before)


@pytest.mark.long
async def test_as_an_ordinary_user(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    account = pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    packages = Path(asyncpg.__file__).parents[1]
    reachable = folder / "packages"
    # What a user has installed for themselves; root's own may be in a folder closed to others.
    await asyncio.to_thread(shutil.copytree, packages, reachable, symlinks=True)
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


LAUNCH_NODE = """
import asyncio, sys
from pathlib import Path
from hirewire.launcher.rabbitmq import PrivateRabbitMQ
async def main():
    async with PrivateRabbitMQ(Path(sys.argv[1])) as node:
        print(node.url, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def of_the_node(folder: Path) -> set[str]:
    """Names of the processes that have this folder for their home."""
    found = set()
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.environ().get("HOME") == str(folder):
                found.add(process.info["name"])
    return found


@pytest.mark.long
async def test_a_private_node_keeps_its_messages_and_leaves_nothing_behind(
    launch: Launch, folder: Path
) -> None:
    ensure_rabbitmq()
    topology = QueueTopology("hirewire.kept", ("test.kept",))
    launcher, url = await launch(LAUNCH_NODE, folder / "rabbit")
    broker = open_broker(url, client="tests")
    await broker.declare([topology])
    await broker.publish([Message("1", "test.kept", "k", b"here", {})])
    await broker.close()
    with pytest.raises(RabbitMQError, match=f"process {launcher.pid} uses .* already"):
        await PrivateRabbitMQ(folder / "rabbit").start()
    [first] = [p.pid for p in psutil.process_iter() if is_node(p, folder / "rabbit")]
    kill_9(launcher)
    async with PrivateRabbitMQ(folder / "rabbit") as node:
        assert not is_alive(first)  # two nodes on the same data would ruin it
        assert node.url == url
        broker = open_broker(url, client="tests")
        [delivery] = await anext(broker.deliveries(topology, limit=1))
        assert delivery.body == b"here"
        await broker.close()
        assert {"beam.smp", "epmd"} <= of_the_node(folder / "rabbit")
    with pytest.raises(BrokerUnavailable):
        await open_broker(url, client="tests").ping()

    async def nothing_left() -> bool:
        return of_the_node(folder / "rabbit") == set()

    await eventually(nothing_left)


@pytest.mark.long
async def test_a_node_whose_port_is_taken_as_it_starts_takes_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_rabbitmq()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        drawn = iter([None, None, port])  # AMQP, management, and the port between nodes

        def draw(preferred: int | None = None) -> int:
            return next(drawn, None) or free_port(preferred)

        monkeypatch.setattr(rabbitmq_module, "free_port", draw)
        async with PrivateRabbitMQ(folder / "rabbit") as node:
            await open_broker(node.url, client="tests").ping()
            assert greets(node._settings["amqp"])
        assert "dist_port_already_used" in (folder / "rabbit" / "node.log").read_text()


async def test_a_port_that_hangs_up_on_a_client_is_no_node_yet() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert not await asyncio.to_thread(greets, port)
    assert not greets(port)


def is_node(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return process.name() == "beam.smp" and str(folder) in process.cmdline()
    return False


async def test_a_machine_without_rabbitmq_is_told_how_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq_module, "find_server", lambda: None)
    with pytest.raises(RabbitMQMissing, match="apt-get install rabbitmq-server"):
        await PrivateRabbitMQ(folder).start()


async def test_the_supervisor_starts_a_crashed_child_again(tmp_path: Path) -> None:
    script = "import pathlib,time,sys; p=pathlib.Path(sys.argv[1]); p.open('a').write('x'); "
    child = Child(
        "one", [sys.executable, "-c", script + "time.sleep(600)", str(tmp_path / "n")], {}
    )
    supervisor = Supervisor([child], run_dir=tmp_path / "run")
    running = asyncio.create_task(supervisor.run())

    async def started(times: int) -> bool:
        return (tmp_path / "n").exists() and (tmp_path / "n").read_text() == "x" * times

    await eventually(lambda: started(1))
    os.kill(int((tmp_path / "run" / "one.pid").read_text()), signal.SIGKILL)
    await eventually(lambda: started(2))
    supervisor.stop()
    assert await running == 0
    assert not (tmp_path / "run" / "one.pid").exists()


async def test_a_child_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    program = tmp_path / "program"
    supervisor = Supervisor([Child("late", [str(program)], {})], run_dir=tmp_path / "run")
    running = asyncio.create_task(supervisor.run())
    await asyncio.sleep(0)  # the first try is made before the program is there
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/lives\nexec sleep 600\n")
    program.chmod(0o755)

    async def lives() -> bool:
        return (tmp_path / "lives").exists()

    await eventually(lives)
    supervisor.stop()
    assert await running == 0


SUPERVISE = """
import asyncio, sys
from pathlib import Path
from hirewire.launcher.supervisor import Child, Supervisor
sleeper = Child("deaf", [sys.executable, "-c", "import signal, time\\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\nprint('up', flush=True)\\n"
    "time.sleep(600)"], {})
asyncio.run(Supervisor([sleeper], run_dir=Path(sys.argv[1])).run())
"""


async def test_a_second_interrupt_waits_for_nobody(launch: Launch, tmp_path: Path) -> None:
    supervisor, said = await launch(SUPERVISE, tmp_path)
    assert said == "up"
    child = int((tmp_path / "deaf.pid").read_text())
    supervisor.send_signal(signal.SIGINT)

    async def ended() -> bool:
        supervisor.send_signal(signal.SIGINT)
        return supervisor.poll() is not None

    await eventually(ended, within=10)
    assert not is_alive(child)


async def test_children_end_with_a_supervisor_that_is_killed(
    launch: Launch, tmp_path: Path
) -> None:
    supervisor, said = await launch(
        SUPERVISE.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "pass"), tmp_path
    )
    assert said == "up"
    child = int((tmp_path / "deaf.pid").read_text())
    kill_9(supervisor)

    async def gone() -> bool:
        return not is_alive(child)

    await eventually(gone)


async def test_wrong_settings_of_a_child_stop_everything(tmp_path: Path) -> None:
    calm = Child("calm", [sys.executable, "-c", "import time; time.sleep(600)"], {})
    wrong = Child("wrong", [sys.executable, "-c", "raise SystemExit(78)"], {})
    assert await Supervisor([calm, wrong], run_dir=tmp_path).run() == 78


async def test_a_stopped_process_gets_its_time(tmp_path: Path) -> None:
    script = (
        "import signal,time,sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint('up', flush=True)\n"
        "time.sleep(600)"
    )
    with open(tmp_path / "out", "wb") as out:
        process = spawn([sys.executable, "-c", script], env={}, output=out)

    async def up() -> bool:
        return (tmp_path / "out").read_bytes() == b"up\n"

    await eventually(up)
    await stop(process, (signal.SIGTERM, 10))
    assert process.returncode == 7
    assert await wait_gone(process, 1)


def test_a_free_port_is_the_preferred_one_when_it_is_free() -> None:
    port = free_port()
    assert free_port(port) == port
    with socket.create_server(("127.0.0.1", port)):
        assert free_port(port) != port


def test_a_free_port_is_none_that_an_outgoing_connection_could_take() -> None:
    first, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(free_port() for _ in range(50)) < int(first)


def test_other_terminals_find_the_running_platform(tmp_path: Path) -> None:
    state = RunningPlatform(
        pid=os.getpid(),
        public_url="http://127.0.0.1:1",
        database_url="postgresql://u:p@h/hirewire",
        broker_url="amqp://admin:p@h/",
        broker_urls={"auth": "amqp://auth:p@h/"},
    )
    with hold_state(tmp_path):
        write_state(tmp_path, state)
        assert (tmp_path / "run" / "platform.json").stat().st_mode & 0o777 == 0o600
        found = found_settings(load_settings({}), tmp_path, "auth")
        assert found.broker_url == "amqp://auth:p@h/"
        assert found_settings(load_settings({}), tmp_path).broker_url == "amqp://admin:p@h/"
        given = load_settings({"HIREWIRE_DATABASE_URL": "postgresql://x@y/z"})
        assert found_settings(given, tmp_path) == given
        with pytest.raises(FolderInUse):
            hold_state(tmp_path)
    # It was killed, and its number is one that runs: in a container it is always the same.
    assert read_state(tmp_path) is None
    hold_state(tmp_path).close()


async def test_an_engine_that_ends_is_started_again(folder: Path) -> None:
    """As the services are; until then they say 503."""
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


@pytest.mark.long
async def test_a_private_node_that_ends_is_started_again(folder: Path) -> None:
    ensure_rabbitmq()
    topology = QueueTopology("hirewire.kept", ("test.kept",))
    async with PrivateRabbitMQ(folder / "rabbit") as node, kept_running(node):
        url, broker = node.url, open_broker(node.url, client="tests")
        [pid] = [p.pid for p in psutil.process_iter() if is_node(p, folder / "rabbit")]
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: _ended(pid))

        async def takes_messages() -> bool:
            try:
                await broker.declare([topology])
                outcomes = await broker.publish([Message("1", "test.kept", "k", b"here", {})])
            except BrokerUnavailable:
                return False
            return outcomes == [Outcome.CONFIRMED]

        await eventually(takes_messages, within=60)
        assert node.url == url
        await broker.close()


async def _ended(pid: int) -> bool:
    return not is_alive(pid)
