"""An event loop with virtual time and an order determined by a seed.

Nothing waits in real time: when no callback is ready, time jumps to the next timer. Actions of the
world (a response of the database, a confirm of the broker) are timers with a seeded delay, so the
seed decides the order in which processes proceed. Within one process callbacks keep the order that
asyncio guarantees. Callbacks of a killed process never run again; those of a frozen one are held
back.
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
    """A simulated operating system process, which runs callbacks."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self.pace = 1.0
        """Slowness: all delays that it asks for are multiplied by this factor."""
        self.skew = 0.0
        """The error of its wall clock."""
        self.held: list[list[Any]] = []

    def __repr__(self) -> str:
        return self.name


HOST: ContextVar[Host | None] = ContextVar("simulated_host", default=None)
"""The process in which code runs; None is the world itself."""


class Handle(list[Any]):
    """A scheduled callback: time, number, callback (None: cancelled), arguments, context.

    It is a list, so that a heap can compare timers without another object.
    """

    __slots__ = ()

    def cancel(self) -> None:
        """Never run it."""
        self[2] = None

    def cancelled(self) -> bool:
        """Whether it is cancelled."""
        return self[2] is None


class SeededTask(asyncio.Task[Any]):
    """A task whose hash is its number, so that sets of tasks have a reproducible order."""

    _numbers = count()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._number = next(SeededTask._numbers)
        super().__init__(*arguments, **named)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SeededLoop:
    """The part of an event loop that asyncio's classes and the core use."""

    def __init__(self) -> None:
        self.now = 0.0
        """Virtual seconds since the start of the history."""
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
        """A future that is already done."""
        self.nothing.set_result(None)
        SeededTask._numbers = count()

    def time(self) -> float:
        """Virtual seconds since the start of the history."""
        return self.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Run a callback in this turn. Only asyncio itself passes a context, and it never cancels
        it.
        """
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
        """Run a callback after a delay, in the caller's process."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        """Run a callback at a time, in the caller's process."""
        handle = Handle((when, self._number(), callback, args, context or copy_context()))
        heappush(self._timers, handle)
        return handle

    def happen(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Schedule an action of the world; it happens whatever becomes of the processes."""
        heappush(self._timers, [self.now + delay, self._number(), callback, args, None])

    def pass_at_once(self, delay: float) -> bool:
        """Skip a delay within this step, if nothing else would happen until its end.

        The waiting task would be the next one anyway; this avoids a round trip through the loop.
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
        """A future that is done after a delay."""
        if self.pass_at_once(delay):
            return self.nothing
        future = self.create_future()
        self.happen(delay, _end_pause, future)
        return future

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: object = None, context: Any = None
    ) -> asyncio.Task[Any]:
        """Create a task of this loop.

        Tasks are kept to the end: closing the coroutines of a killed process earlier would run
        their `finally` blocks, which would act on the world. `nothing` needs no task.
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
    """Always false; asyncio asks for every future."""

    def is_running(self) -> bool:
        """Always true while a history runs."""
        return True

    def is_closed(self) -> bool:
        """Always false."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep the error for the judge."""
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {type(error).__name__}: {error}")

    def spawn(self, host: Host, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a task inside a process."""
        context = copy_context()
        context.run(HOST.set, host)
        return self.create_task(work, name=name, context=context)

    def thaw(self, host: Host) -> None:
        """Resume a frozen process: its held callbacks run now, in order."""
        host.frozen = False
        self._ready.extend(host.held)
        host.held.clear()

    def run(self, done: Callable[[], bool], most_steps: int, every: float = 0.0) -> bool:
        """Run until `done` returns true; it is asked between turns and `every` so many seconds.

        Returns False if nothing moves any more, or if it takes too long.
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
        """Run the next timer and everything that follows from it immediately."""
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
        """Close all coroutines. The world must have ended: nothing they do counts."""
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
        except BaseException:  # closed, whatever it raises
            pass
        return


def _end(generator: AsyncGenerator[Any, None]) -> None:
    for _ in range(20):
        try:
            generator.aclose().send(None)
        except RuntimeError:
            continue
        except BaseException:  # also StopIteration
            pass
        return
