"""An event loop whose time is virtual and whose order is decided by a seed.

Nothing waits for real: when no callback is ready, time jumps to the next timer. What the world
does (an answer of the database, a confirm of the broker) is a timer with a seeded delay, so the
seed decides the order in which processes get on. Within one process callbacks keep the order that
asyncio promises. Callbacks of a killed process never run again; those of a frozen one are held.
"""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, cast


class Host:
    """What runs callbacks: one simulated operating system process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self.pace = 1.0
        """Its slowness: delays of all it asks for are multiplied by this."""
        self.skew = 0.0
        """How far its wall clock is from the true one."""
        self.held: list[list[Any]] = []

    def __repr__(self) -> str:
        return self.name


HOST: ContextVar[Host | None] = ContextVar("simulated_host", default=None)
"""The process in which code runs; None is the world itself."""


class Handle(list[Any]):
    """A callback to be run once: when, its number, the callback (None: never), arguments, context.

    A list, so that what waits for its time is one object that the heap compares by itself.
    """

    __slots__ = ()

    def cancel(self) -> None:
        """Never run it."""
        self[2] = None

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self[2] is None


class SeededTask(asyncio.Task[Any]):
    """A task with a hash of its own number: sets of tasks are read in the same order each time."""

    _numbers = count()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._number = next(SeededTask._numbers)
        super().__init__(*arguments, **named)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SeededLoop:
    """The part of an event loop that asyncio's own classes and the core use."""

    def __init__(self) -> None:
        self.now = 0.0
        """Virtual seconds since the beginning of the history."""
        self._ready: deque[list[Any]] = deque()
        self._timers: list[list[Any]] = []
        self._number = count().__next__
        self.steps = 0
        self.tasks: list[asyncio.Task[Any]] = []
        self.generators: list[AsyncGenerator[Any, None]] = []
        self.errors: list[str] = []
        self.ended = False
        self.create_future: Callable[[], asyncio.Future[Any]] = partial(asyncio.Future, loop=self)  # type: ignore[arg-type]
        self.nothing: asyncio.Future[Any] = self.create_future()
        """What has come to its end already."""
        self.nothing.set_result(None)
        SeededTask._numbers = count()

    def time(self) -> float:
        """Virtual seconds since the beginning of the history."""
        return self.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Run it in this turn. Who gives a context is asyncio itself, and never cancels it."""
        if context is not None:
            self._ready.append([0.0, 0, callback, args, context])
            return None
        handle = Handle((0.0, 0, callback, args, copy_context()))
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        """Run it after a delay, in the caller's process."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        """Run it at a time, in the caller's process."""
        handle = Handle((when, self._number(), callback, args, context or copy_context()))
        heappush(self._timers, handle)
        return handle

    def happen(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Let the world do something after a delay, whatever becomes of the processes."""
        heappush(self._timers, [self.now + delay, self._number(), callback, args, None])

    def pass_at_once(self, delay: float) -> bool:
        """Let a delay pass in this step, when nothing at all would happen until its end.

        Whoever waits so long goes on next in any case: this spares it the way through the loop.
        """
        timers = self._timers
        while timers and timers[0][2] is None:
            heappop(timers)
        when = self.now + delay
        if self._ready or (timers and timers[0][0] <= when):
            return False
        self.now = when
        self.steps += 1
        return True

    def pause(self, delay: float) -> asyncio.Future[Any]:
        """What ends after a delay."""
        if self.pass_at_once(delay):
            return self.nothing
        future = self.create_future()
        self.happen(delay, _end_pause, future)
        return future

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: object = None, context: Any = None
    ) -> asyncio.Task[Any]:
        """A task of this loop. Kept to the end: a killed process's coroutines must not be closed
        before that, or their `finally` blocks would act on the world.

        `nothing` is no work and makes no task.
        """
        if cast(object, coro) is self.nothing:
            return cast("asyncio.Task[Any]", self.nothing)
        if self.ended:
            coro.close()
            never: Any = self.create_future()
            never.cancel()
            return cast("asyncio.Task[Any]", never)
        task = SeededTask(
            coro, loop=cast(asyncio.AbstractEventLoop, self), name=name, context=context
        )
        self.tasks.append(task)
        return task

    get_debug = staticmethod(bool)
    """Never, and asked for each future."""

    def is_running(self) -> bool:
        """While a history runs."""
        return True

    def is_closed(self) -> bool:
        """Never."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep it for the judge."""
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {type(error).__name__}: {error}")

    def spawn(self, host: Host, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Begin a task inside a process."""
        context = copy_context()
        context.run(HOST.set, host)
        return self.create_task(work, name=name, context=context)

    def thaw(self, host: Host) -> None:
        """Let a frozen process go on: what was held runs now, in its order."""
        host.frozen = False
        self._ready.extend(host.held)
        host.held.clear()

    def run(self, done: Callable[[], bool], most_steps: int, every: float = 0.0) -> bool:
        """Run until `done` says so, which is asked between turns and `every` so many seconds.

        False: nothing moves, or too long.
        """
        before = asyncio._get_running_loop()
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(cast(asyncio.AbstractEventLoop, self))
        sys.set_asyncgen_hooks(firstiter=self.generators.append, finalizer=lambda _: None)
        asked_at = -1.0
        try:
            while True:
                if self.now >= asked_at:
                    asked_at = self.now + every
                    if done():
                        return True
                if self.steps > most_steps or not self._turn():
                    return False
        finally:
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(before)

    def _turn(self) -> bool:
        """The next timer, and all that follows from it at once."""
        ready, timers = self._ready, self._timers
        if not ready:
            while timers:
                handle = heappop(timers)
                if handle[2] is not None:
                    if handle[0] > self.now:
                        self.now = handle[0]
                    ready.append(handle)
                    break
            else:
                return False
        steps = 0
        while ready:
            _, _, callback, args, context = handle = ready.popleft()
            if callback is None:
                continue
            steps += 1
            if context is None:
                callback(*args)
                continue
            host = context.get(HOST)
            if host is not None and (host.frozen or not host.alive):
                if host.alive:
                    host.held.append(handle)
                continue
            context.run(callback, *args)
        self.steps += steps
        return True

    def close(self) -> None:
        """Take all coroutines down. The world must be over by now: nothing they do counts."""
        self.ended = True
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(cast(asyncio.AbstractEventLoop, self))
        try:
            self._take_down()
        finally:
            asyncio._set_running_loop(before)

    def _take_down(self) -> None:
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task.get_coro())
        for generator in self.generators:
            if generator.ag_frame is not None:  # type: ignore[attr-defined]
                _end(generator)
        self.tasks.clear()
        self.generators.clear()
        self._ready.clear()
        self._timers.clear()


def _end_pause(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)


def _close(work: Any) -> None:
    """Close a coroutine that may wait in its `finally` blocks."""
    for _ in range(20):
        try:
            work.close()
        except RuntimeError:
            continue
        except BaseException:  # it is over, whatever it says
            pass
        return


def _end(generator: AsyncGenerator[Any, None]) -> None:
    for _ in range(20):
        try:
            generator.aclose().send(None)
        except RuntimeError:
            continue
        except BaseException:  # StopIteration among them
            pass
        return
