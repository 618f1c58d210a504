"""Programs that launch engines, and their ends: what the tests of the launcher share."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
Launch = Callable[[str, Path], Awaitable[tuple[subprocess.Popen[bytes], str]]]


@pytest.fixture
async def folder(scratch: Path, request: pytest.FixtureRequest) -> Path:
    path = scratch / f"engines-{abs(hash(request.node.name))}"
    path.mkdir()
    return path


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
