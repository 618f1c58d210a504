"""Contestants in separate processes: start them, send them lines, read their results, end them.

A worker prints a line ``ready`` once it has loaded what it needs, starts at a line ``go``, and ends
when its standard input does. Its report is one line of JSON.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "bench" / "node"
NODE_CACHE = ROOT / ".bench" / "node"
NODE_SCRIPTS = {
    "node": "consumer.js",
    "bare consumer in Node": "bare_consumer.js",
    "bare publisher in Node": "bare_publisher.js",
}
END_SECONDS = 20.0


class WorkerDied(Exception):
    """A worker ended unexpectedly; its output shows why."""


class Worker:
    """A contestant's process."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise `WorkerDied` if the process has ended."""
        if self._process.returncode is not None:
            raise WorkerDied(f"{self.name} ended with {self._process.returncode}")

    async def line(self, at_most: float = 60.0) -> str:
        """The next line it prints."""
        assert self._process.stdout is not None
        async with asyncio.timeout(at_most):
            line = await self._process.stdout.readline()
        if not line:
            raise WorkerDied(f"{self.name} ended without output")
        return line.decode().strip()

    async def go(self) -> None:
        """Start the work."""
        await self._send(b"go")

    async def send(self, input: object) -> None:
        """Send input, as a line of JSON."""
        await self._send(json.dumps(input).encode())

    async def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        await self._process.stdin.drain()

    async def result(self, at_most: float = 300.0) -> dict[str, Any]:
        """The worker's report; ending its input stops a worker that runs for ever."""
        found: dict[str, Any] = json.loads(await self.line(at_most))
        return found

    def enough(self) -> None:
        """End the worker's input, so that it finishes its work and reports."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def end(self) -> None:
        """Let the worker finish; kill it if it does not."""
        self.enough()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def worker(
    name: str, argv: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Worker]:
    """A process that is ready to start; ended on exit."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | environment,
    )
    started = Worker(name, process)
    try:
        if (line := await started.line()) != "ready":
            raise WorkerDied(f"{name} said {line!r} instead of ready")
        yield started
    finally:
        await started.end()


def python(name: str, options: Mapping[str, object]) -> list[str]:
    """The command of one of our workers."""
    return [sys.executable, "-m", "bench.worker", name, json.dumps(options)]


def has_node() -> bool:
    """Whether contestants in Node can run here."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def node(name: str) -> list[str]:
    """The command of a contestant in Node, with its packages installed."""
    program, npm = shutil.which("node"), shutil.which("npm")
    assert program is not None
    assert npm is not None
    _install(npm)
    return [program, str(NODE / NODE_SCRIPTS[name])]


def node_environment(options: Mapping[str, object]) -> dict[str, str]:
    """The environment in which a contestant in Node finds its packages and its options."""
    return {"NODE_PATH": str(NODE_CACHE / "node_modules"), "BENCH_OPTIONS": json.dumps(options)}


def _install(npm: str) -> None:
    lock = (NODE / "package-lock.json").read_text()
    stamp = NODE_CACHE / "installed.json"
    if stamp.exists() and stamp.read_text() == lock:
        return
    NODE_CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, NODE_CACHE / name)
    subprocess.run(
        [npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=NODE_CACHE, check=True, timeout=300
    )
    stamp.write_text(lock)
