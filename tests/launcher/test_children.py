"""Services that are forked from one process: adopted, apart from each other, ended with us."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil
import pytest

from hirewire.assembly import PlatformSettings
from hirewire.launcher import children as module
from hirewire.launcher import platform
from hirewire.launcher.children import HIREWIRE, Child, Prepared, Process, give, start
from hirewire.launcher.platform import GIVEN, OF_ONE
from tests.builders import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux adopts children")
BAD = {"HIREWIRE_WEB_PORT": "x"}


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}


def gated(name: str, *arguments: str, passed: Sequence[int] = ()) -> Child:
    return Child(name, [*HIREWIRE, *arguments, "--gate"], environment(), passed=passed, gated=True)


def test_secrets_are_in_no_childs_environment() -> None:
    secret = re.compile(r"password|secret|token", re.IGNORECASE)
    found = {
        name
        for name, field in PlatformSettings.model_fields.items()
        if secret.search(name) or secret.search(field.description or "")
    }
    only_speaks_of_one = {"operators_second_factor"}
    assert found - GIVEN - OF_ONE.keys() == only_speaks_of_one


def test_a_secret_is_withheld_however_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HIREWIRE_SECRET_KEY_FILE", "hirewire_smtp_url", "HIREWIRE_BOUNCES_SECRET"):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("SMTP_URL", "another program's")
    found = platform._environment()
    assert "hush" not in found.values()
    assert found["SMTP_URL"] == "another program's"


async def ended(process: Process) -> int:
    async def is_over() -> bool:
        return process.poll() is not None

    await eventually(is_over)
    assert process.returncode is not None
    return process.returncode


async def test_prepared_children_are_ours_and_apart_from_each_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        web = gated("web", "serve", "web", passed=[server.fileno()])
        auth = gated("auth", "serve", "auth")
        prepared, before = Prepared([web, auth]), pipes(os.getpid())
        prepared.begin()
        first, second = await prepared.take(web), await prepared.take(auth)
        assert first is not None
        assert second is not None
        assert await prepared.take(web) is None  # each is taken once
        try:
            of_web, of_auth = psutil.Process(first.pid), psutil.Process(second.pid)
            assert {of_web.ppid(), of_auth.ppid()} == {os.getpid()}

            async def has_its_name() -> bool:
                return of_web.cmdline()[0] == "hirewire serve web --gate"

            await eventually(has_its_name)
            assert len({os.getsid(0), os.getsid(first.pid), os.getsid(second.pid)}) == 3
            listening = f"socket:[{os.fstat(server.fileno()).st_ino}]"
            assert listening in descriptors(first.pid)
            assert listening not in descriptors(second.pid)
            assert pipes(first.pid) & pipes(second.pid) <= before
            give(first, {"web": BAD})
            assert await ended(first) == 78
            assert second.poll() is None
            second.send_signal(signal.SIGTERM)
            assert await ended(second) == -signal.SIGTERM
        finally:
            for process in (first, second):
                process.kill()
                if process.stdin is not None:
                    process.stdin.close()
            await prepared.abandon()


def descriptors(pid: int) -> set[str]:
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def pipes(pid: int) -> set[str]:
    return {one for one in descriptors(pid) if one.startswith("pipe:")}


async def test_children_that_cannot_be_prepared_are_started_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FORKING", "no.such.module")
    child = gated("web", "serve", "web")
    prepared = Prepared([child])
    prepared.begin()
    assert await prepared.take(child) is None
    process = start(child)
    give(process, {"web": BAD})
    assert await ended(process) == 78
    await prepared.abandon()


@pytest.mark.parametrize("when", ["loading", "at the gate"])
async def test_children_that_nobody_takes_end(when: str) -> None:
    child = gated("web", "serve", "web")
    prepared = Prepared([child])
    before = commands()
    prepared.begin()

    async def is_there() -> bool:
        return bool(commands().keys() - before.keys())

    await eventually(is_there)
    if when == "at the gate":
        await asyncio.wait_for(waiting(prepared), 60)
    await prepared.abandon()

    async def are_gone() -> bool:
        return not commands().keys() - before.keys()

    await eventually(are_gone)


async def waiting(prepared: Prepared) -> None:
    assert prepared._loading is not None
    await asyncio.shield(prepared._loading)


def commands() -> Mapping[int, str]:
    """Running processes that load or wait."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if "hirewire.cli.forking" in line or "hirewire serve web --gate" in line:
                found[process.pid] = line
    return found
