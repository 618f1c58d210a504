"""One child process per service: started together, restarted after a crash, stopped together."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from hirewire.launcher.children import Child, Given, Prepared, Process, give, start
from hirewire.launcher.memory import keep_tidy
from hirewire.launcher.process import stop, wait_gone
from hirewire.messaging.background import Backoff

log = structlog.get_logger(__name__)

BAD_SETTINGS = 78
STOP_SECONDS = 20.0
ANSWER_SECONDS = 3.0
CALM_SECONDS = 30.0
LONGEST_PAUSE = 10.0


@dataclass
class _Running:
    child: Child
    process: Process


class Supervisor:
    """Keeps child processes running until stopped. Their pids are in `<run_dir>/<name>.pid`.

    A child that ends is restarted after a pause that grows from 0.2 to 10 s and is reset once the
    child has run for 30 s. Exit code 78 (invalid settings) of any child ends everything.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        run_dir: Path,
        prepared: Prepared | None = None,
        on_all_ready: Callable[[], None] = lambda: None,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._children = children
        self._run_dir = run_dir
        self._on_all_ready = on_all_ready
        self._on_stop = on_stop
        self._running: dict[str, _Running] = {}
        self._prepared = prepared
        self._settings: Mapping[str, Given] = {}
        self._stopping = asyncio.Event()
        self._exit_code = 0

    def stop(self, *, now: bool = False) -> None:
        """Stop all children; `now`: without waiting for open requests."""
        if now:
            for running in self._running.values():
                if running.process.poll() is None:
                    running.process.kill()
        self._stopping.set()

    async def run(self, settings: Mapping[str, Given] | None = None) -> int:
        """Run until SIGINT or SIGTERM (a second one kills); returns the exit code.

        `settings`: the settings that each gated child reads from its input.
        """
        self._settings = settings or {}
        self._run_dir.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        ready = asyncio.create_task(self._wait_ready())
        keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        freeing = asyncio.create_task(keep_tidy())
        try:
            await self._stopping.wait()
            self._on_stop()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
                loop.add_signal_handler(number, lambda: self.stop(now=True))
            for task in (ready, freeing, *keepers):
                task.cancel()
            await asyncio.gather(ready, freeing, *keepers, return_exceptions=True)
            await asyncio.gather(*(self._end(r) for r in self._running.values()))
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return self._exit_code

    def _on_signal(self) -> None:
        self.stop(now=self._stopping.is_set())

    async def _keep(self, child: Child) -> None:
        backoff = Backoff(longest=LONGEST_PAUSE)
        while True:
            began = time.monotonic()
            code = await self._live(child)
            if code == BAD_SETTINGS:
                self._exit_code = BAD_SETTINGS
                self._stopping.set()
                return
            if time.monotonic() - began > CALM_SECONDS:
                backoff.reset()
            pause = backoff.next()
            log.warning("process ended", process_name=child.name, code=code, restart_in=pause)
            await asyncio.sleep(pause)

    async def _live(self, child: Child) -> int | None:
        """Run a child once; returns its exit code, None if it could not be started."""
        try:
            process = await self._start(child)
        except OSError as error:  # no memory or no process left; this may pass
            log.warning("process cannot start", process_name=child.name, error=str(error))
            return None
        while process.poll() is None:
            await asyncio.sleep(0.05)
        return process.returncode

    async def _start(self, child: Child) -> Process:
        prepared = await self._prepared.take(child) if self._prepared is not None else None
        process = prepared or start(child)
        self._running[child.name] = _Running(child, process)
        give(process, self._settings.get(child.name, {}))
        try:
            (self._run_dir / f"{child.name}.pid").write_text(str(process.pid))
        except OSError as error:  # the process must run even if the disk is full
            log.warning("no pid file", process_name=child.name, error=str(error))
        return process

    async def _end(self, running: _Running) -> None:
        await stop(running.process, (signal.SIGTERM, STOP_SECONDS))
        await wait_gone(running.process, 1)
        (self._run_dir / f"{running.child.name}.pid").unlink(missing_ok=True)

    async def _wait_ready(self) -> None:
        await asyncio.gather(*(_answers(url) for c in self._children for url in c.ready_urls))
        self._on_all_ready()


async def _answers(url: str) -> None:
    while not await asyncio.to_thread(_is_ready, url):
        await asyncio.sleep(0.05)


def _is_ready(url: str) -> bool:
    """Whether this address of our own answers 200. httpx would take 8 MiB as long as we run."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
