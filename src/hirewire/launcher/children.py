"""Processes that load their code once, together: they share in memory what they have loaded.

On Linux one process loads the code of all, forks for each, and ends. Memory is shared until it is
written to, so five services take half of what five separate ones take, and start sooner. The
children are adopted by this process (prctl(2), PR_SET_CHILD_SUBREAPER). Where that is not
possible, and after a crash, a process is started alone and loads its code itself.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Protocol, TypeAlias

import structlog

from hirewire.launcher.process import Ending, spawn, stop

log = structlog.get_logger(__name__)

HIREWIRE = (sys.executable, "-m", "hirewire")
FORKING = "hirewire.cli.forking"
LOAD_SECONDS = 120.0
PR_SET_CHILD_SUBREAPER = 36
Given: TypeAlias = Mapping[str, Mapping[str, str]]
"""The variables of the environment of each service that runs in a child, or of `migrate`."""


class Process(Ending, Protocol):
    """A child at its gate or past it."""

    @property
    def returncode(self) -> int | None:
        """What `poll` last returned."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """Where its settings are written."""

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""


@dataclass(frozen=True)
class Child:
    """A process to keep running."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    ready_urls: Sequence[str] = ()
    passed: Sequence[int] = ()
    """File descriptors that it inherits."""
    gated: bool = False
    """Whether it reads its settings, one line of JSON, from standard input before it starts. Such a
    child is a command of `hirewire`, and those prepared together have one environment."""


class Adopted:
    """A child of this process that another one has forked."""

    def __init__(self, pid: int, stdin: IO[bytes]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = stdin

    def poll(self) -> int | None:
        """The exit code, None while it runs; -9 if it is nobody's child."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = -signal.SIGKILL
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, sig: int, /) -> None:
        """Send a signal, unless it has ended: until `poll` says so, its id is not another's."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)


def start(child: Child) -> Process:
    """Start one child alone. Raises `OSError`."""
    return spawn(child.argv, env=child.env, with_input=child.gated, passed=child.passed)


class Prepared:
    """Gated children that load their code while this process does something else."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = {child.name: child for child in children if child.gated}
        self._inputs: dict[str, IO[bytes]] = {}
        self._found: dict[str, Process] = {}
        self._loading: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Begin to load. Call it in the main thread, in a running event loop."""
        if not self._children:
            return
        if sys.platform != "linux":
            self._found = {name: start(child) for name, child in self._children.items()}
            return
        self._loading = asyncio.ensure_future(self._load())

    async def take(self, child: Child) -> Process | None:
        """The child if it was prepared and runs, at its gate; once. None if it was not."""
        if self._loading is not None:
            await asyncio.shield(self._loading)
        process = self._found.pop(child.name, None)
        if process is None or process.poll() is None:
            return process
        await _end(process)
        return None

    async def abandon(self) -> None:
        """End the children that nobody has taken."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait({self._loading})
            self._loading = None
        for process in self._found.values():
            await _end(process)
        self._found.clear()

    async def _load(self) -> None:
        """Children that are not adopted end by themselves: their input is closed."""
        with _adopting(), self._pipes() as inputs:
            read, write = os.pipe()
            asked = [
                {
                    "arguments": list(child.argv[len(HIREWIRE) :]),
                    "input": inputs[name],
                    "passed": list(child.passed),
                }
                for name, child in self._children.items()
            ]
            passed = {fd for child in self._children.values() for fd in child.passed}
            forking = spawn(
                [sys.executable, "-m", FORKING, json.dumps(asked), str(write), str(os.getpid())],
                env=next(iter(self._children.values())).env,
                passed=[*inputs.values(), *passed, write],
                death_signal=signal.SIGKILL,
            )
            os.close(write)
            try:
                async with asyncio.timeout(LOAD_SECONDS):
                    text = await _read_all(read)
                    while forking.poll() is None:
                        await asyncio.sleep(0.005)
                pids = json.loads(text)
                for name, pid in zip(self._children, pids, strict=True):
                    self._found[name] = Adopted(pid, self._inputs.pop(name))
            except (OSError, ValueError) as error:  # TimeoutError is an OSError
                log.warning("processes are started one by one", error=type(error).__name__)
            finally:
                os.close(read)
                await stop(forking)
                for file in self._inputs.values():
                    file.close()
                self._inputs.clear()

    @contextmanager
    def _pipes(self) -> Iterator[dict[str, int]]:
        """A pipe for each child's input; yields the ends that they read."""
        reading: dict[str, int] = {}
        try:
            for name in self._children:
                reading[name], write = os.pipe()
                self._inputs[name] = os.fdopen(write, "wb", buffering=0)
            yield reading
        finally:
            for fd in reading.values():
                os.close(fd)


@contextmanager
def _adopting() -> Iterator[None]:
    """Become the parent of children whose own parent ends."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


async def _end(process: Process) -> None:
    await stop(process)
    if process.stdin is not None:
        process.stdin.close()


async def _read_all(fd: int) -> bytes:
    """What is written into a pipe until its other end is closed."""
    loop = asyncio.get_running_loop()
    os.set_blocking(fd, False)
    text, arrived = b"", asyncio.Event()
    loop.add_reader(fd, arrived.set)
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            with suppress(BlockingIOError):
                part = os.read(fd, 65_536)
                if not part:
                    return text
                text += part
    finally:
        loop.remove_reader(fd)


def give(process: Process, settings: Given) -> None:
    """Let a gated child pass with these settings."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(settings).encode() + b"\n")
            process.stdin.close()
