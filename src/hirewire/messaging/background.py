"""How background tasks run: steps until there is nothing to do, then a wait for a wake-up."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import structlog

log = structlog.get_logger(__name__)

END_SECONDS = 15.0
"""How long a cancelled task may take to end."""


class Wake:
    """A coalescing wake-up call."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __call__(self) -> None:
        """Wake the waiting task, or make the next wait return at once."""
        self._event.set()

    def take(self) -> bool:
        """Whether there was a call since the last wait or take."""
        called = self._event.is_set()
        self._event.clear()
        return called

    async def wait(self, at_most: float) -> None:
        """Return when woken, or after `at_most` seconds."""
        try:
            async with asyncio.timeout(at_most):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


class Backoff:
    """The pauses between failed attempts: each twice as long as the previous one, up to a limit."""

    def __init__(self, *, first: float = 0.2, least: float = 0.0, longest: float = 5.0) -> None:
        self.failures = 0
        self._first = first
        self._least = least
        self._longest = longest

    def reset(self) -> None:
        """Reset the pause after a success."""
        self.failures = 0

    def next(self) -> float:
        """The pause after one more failure."""
        self.failures += 1
        seconds: float = self._first * 2 ** min(self.failures - 1, 9)
        return max(self._least, min(seconds, self._longest))


async def pause(seconds: float, stopping: asyncio.Event | None = None) -> None:
    """Wait for the pause, or until `stopping` is set."""
    if stopping is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


async def run_steps(
    name: str,
    step: Callable[[], Awaitable[bool]],
    wake: Wake | None = None,
    *,
    idle: float | Callable[[], float] = 1.0,
    backoff: Backoff | None = None,
    stopping: asyncio.Event | None = None,
    quiet: bool = False,
    ended_by: type[Exception] | tuple[()] = (),
    **context: str,
) -> None:
    """Run `step` repeatedly until stopped: at once if it returned True, else after a pause.

    A step that raises is logged (a `quiet` one at debug level only) and retried after the pause of
    its `backoff`. If there was no work, the next step runs after `idle` seconds or a call of
    `wake`. Ends when `stopping` is set and the current step is done, by cancellation, or with an
    error of a class in `ended_by`.
    """
    backoff = backoff or Backoff()
    while stopping is None or not stopping.is_set():
        try:
            found = await step()
        except ended_by:
            raise
        except Exception as error:
            seconds = backoff.next()
            write = log.debug if quiet else log.warning
            failed = {"failures": backoff.failures, "error": describe(error)}
            write("step failed", task=name, **context, **failed)
            await pause(seconds, stopping)
            continue
        backoff.reset()
        if found:
            continue
        seconds = idle() if callable(idle) else idle
        if wake is not None:
            await wake.wait(seconds)
        else:
            await pause(seconds, stopping)


Kind = Literal["publishing", "consuming", "retrying", "maintenance"]


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """Something that runs as long as its process."""

    name: str
    kind: Kind
    run: Callable[[], Coroutine[Any, Any, None]]
    stop: Callable[[], None] = lambda: None
    """Ask it to finish its current work and end."""


class BackgroundTasks:
    """The background tasks of one service that were started."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._running: dict[asyncio.Task[None], BackgroundTask] = {}

    def start(self, task: BackgroundTask) -> None:
        """Start a task."""
        running = asyncio.create_task(task.run(), name=f"{self._service} {task.name}")
        running.add_done_callback(_note_end)
        self._running[running] = task

    async def stop(self, kind: Kind, *, seconds: float) -> None:
        """Ask tasks of this kind to finish, wait for them this long, and then cancel all."""
        finishing = [running for running, task in self._running.items() if task.kind == kind]
        for running in finishing:
            self._running[running].stop()
        if finishing:
            await asyncio.wait(finishing, timeout=seconds)
        for running in self._running:
            running.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=END_SECONDS)
        self._running.clear()

    @property
    def healthy(self) -> bool:
        """Whether every started task is still running."""
        return all(not running.done() for running in self._running)


def _note_end(running: asyncio.Task[None]) -> None:
    if not running.cancelled() and (error := running.exception()) is not None:
        log.error("background task ended", task=running.get_name(), exc_info=error)


def describe(error: BaseException) -> str:
    """An error as one line for a log: its type, and its first line if that holds no data.

    Database errors quote rows and parameters, which may be personal: only their type and the
    server's own message are kept.
    """
    original = getattr(error, "orig", None)
    cause = getattr(original, "__cause__", None) or original or error
    try:
        text = str(getattr(cause, "message", None) or cause).partition("\n")[0]
    except Exception:  # an error may be anybody's class
        text = "its text cannot be had"
    return f"{type(cause).__name__}: {text}"[:500]
