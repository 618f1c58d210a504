"""Programs that launch engines, and how they end: helpers of the launcher tests."""

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
    path = scratch / f"engines-{abs(hash(request.node.nodeid))}"
    path.mkdir()
    return path


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start a launcher in a separate process; returns its output once its engine is running."""
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
    """Whether the process runs. Zombies do not count: their parent may reap them late."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def kill_9(launcher: subprocess.Popen[bytes]) -> None:
    launcher.kill()
    launcher.wait()
