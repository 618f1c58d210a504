"""The embedded engines as processes: started, refused, stopped, found again."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from hirewire.kit.settings import load_settings
from hirewire.launcher import rabbitmq as rabbitmq_module
from hirewire.launcher.postgres import EmbeddedPostgres, PostgresError
from hirewire.launcher.process import free_port, spawn, stop, wait_gone
from hirewire.launcher.rabbitmq import PrivateRabbitMQ, RabbitMQMissing
from hirewire.launcher.state import RunningPlatform, found_settings, read_state, write_state
from hirewire.launcher.supervisor import Child, Supervisor
from hirewire.messaging.broker import BrokerUnavailable, Message, QueueTopology, open_broker
from tests.builders import eventually
from tests.conftest import RabbitMQ

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
        with pytest.raises(PostgresError, match="already"):
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


async def test_a_killed_launcher_leaves_no_server_behind(folder: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(folder / "pg")],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert launcher.stdout is not None
    url = (await asyncio.to_thread(launcher.stdout.readline)).decode().strip()
    await (await asyncpg.connect(url)).close()
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()

    async def starts() -> bool:
        try:
            server = EmbeddedPostgres(folder / "pg", durable=False)
            await server.start()
        except PostgresError:  # the old one is still on its way out
            return False
        await server.stop()
        return True

    await eventually(starts)


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


async def test_a_private_node_keeps_its_messages(rabbitmq: RabbitMQ, folder: Path) -> None:
    topology = QueueTopology("hirewire.kept", ("test.kept",))
    node = PrivateRabbitMQ(folder / "rabbit")
    await node.start()
    broker = open_broker(node.url, client="tests")
    await broker.declare([topology])
    await broker.publish([Message("1", "test.kept", "k", b"here", {})])
    await broker.close()
    url = node.url
    await node.stop()
    with pytest.raises(BrokerUnavailable):
        await open_broker(url, client="tests").ping()
    async with node:
        assert node.url == url
        broker = open_broker(node.url, client="tests")
        [delivery] = await anext(broker.deliveries(topology, limit=1))
        assert delivery.body == b"here"
        await broker.close()


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


def test_other_terminals_find_the_running_platform(tmp_path: Path) -> None:
    write_state(
        tmp_path,
        RunningPlatform(
            pid=os.getpid(),
            public_url="http://127.0.0.1:1",
            database_url="postgresql://u:p@h/hirewire",
            broker_url="amqp://admin:p@h/",
            broker_urls={"auth": "amqp://auth:p@h/"},
        ),
    )
    assert (tmp_path / "run" / "platform.json").stat().st_mode & 0o777 == 0o600
    found = found_settings(load_settings({}), tmp_path, "auth")
    assert found.broker_url == "amqp://auth:p@h/"
    assert found_settings(load_settings({}), tmp_path).broker_url == "amqp://admin:p@h/"
    given = load_settings({"HIREWIRE_DATABASE_URL": "postgresql://x@y/z"})
    assert found_settings(given, tmp_path) == given
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    write_state(tmp_path, RunningPlatform(dead.pid, "http://x", "postgresql://x", "amqp://x"))
    assert read_state(tmp_path) is None
