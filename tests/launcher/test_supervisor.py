"""Child processes, free ports and the state that other terminals find."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from hirewire.assembly import load_settings
from hirewire.launcher.children import Child
from hirewire.launcher.process import FolderInUse, free_port, spawn, stop, wait_gone
from hirewire.launcher.state import (
    RunningPlatform,
    found_settings,
    hold_state,
    read_state,
    write_state,
)
from hirewire.launcher.supervisor import Supervisor
from tests.builders import eventually
from tests.launcher.launching import Launch, is_alive, kill_9, launch

__all__ = ["launch"]


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
    await asyncio.sleep(0)  # the first attempt is made before the program exists
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
from hirewire.launcher.children import Child
from hirewire.launcher.supervisor import Supervisor
sleeper = Child("deaf", [sys.executable, "-c", "import signal, time\\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\nprint('up', flush=True)\\n"
    "time.sleep(600)"], {})
asyncio.run(Supervisor([sleeper], run_dir=Path(sys.argv[1])).run())
"""


async def test_a_second_interrupt_kills_at_once(launch: Launch, tmp_path: Path) -> None:
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


def test_a_free_port_is_outside_the_range_of_outgoing_connections() -> None:
    first, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(free_port() for _ in range(50)) < int(first)


def test_ports_drawn_before_use_are_different() -> None:
    drawn = [free_port() for _ in range(1_000)]
    assert len(set(drawn)) == len(drawn)


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
    # The platform was killed, and its process id is in use: in a container it is always the same.
    assert read_state(tmp_path) is None
    hold_state(tmp_path).close()
