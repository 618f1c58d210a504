"""Reports when the event loop of this process is blocked, and by what code: until it runs again,
all visitors and messages of the process wait.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import structlog
from prometheus_client import Histogram

log = structlog.get_logger(__name__)
BEAT_SECONDS = 0.1
BLOCKED_SECONDS = 0.5
LOOK_SECONDS = 0.2
_SHARE = 0.1
"""The least share of the processor of a process that was not stopped."""
_INNERMOST, _OURS = 4, 6
_delay = Histogram(
    "hirewire_event_loop_delay_seconds",
    "How late the event loop did what was due, ten times a second",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


class _Watch:
    """Notes on the loop when it runs; a thread looks whether that is long ago."""

    def __init__(self, loop: asyncio.AbstractEventLoop, process: str) -> None:
        self._loop, self._process = loop, process
        self._watched = threading.get_ident()
        self._ran = time.monotonic()
        self._reported = False
        self._next = loop.call_later(BEAT_SECONDS, self._beat)
        self._ended = threading.Event()
        self._looking = threading.Thread(target=self._look, name="event loop watch", daemon=True)
        self._looking.start()

    def _beat(self) -> None:
        now = time.monotonic()
        _delay.observe(max(0.0, now - self._ran - BEAT_SECONDS))
        if self._reported:
            self._reported = False
            took = round(now - self._ran, 2)
            log.warning("event loop runs again", process=self._process, seconds=took)
        self._ran = now
        self._next = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _look(self) -> None:
        looked, worked = time.monotonic(), time.process_time()
        while not self._ended.wait(LOOK_SECONDS):
            now, used, ran = time.monotonic(), time.process_time(), self._ran
            # A process that was stopped, or on a machine that was, is late itself and has done
            # nothing. One that computes in C without a break lets no other thread look either.
            passed = now - looked
            ran_itself = passed < LOOK_SECONDS + BEAT_SECONDS or used - worked > _SHARE * passed
            looked, worked = now, used
            if ran_itself and now - ran > BLOCKED_SECONDS and not self._reported:
                self._reported = True
                log.warning(
                    "event loop blocked",
                    process=self._process,
                    seconds=round(now - ran, 2),
                    at=_places(sys._current_frames().get(self._watched)),
                )

    def end(self) -> None:
        self._next.cancel()
        self._ended.set()
        self._looking.join()


def _places(innermost: FrameType | None) -> list[str]:
    """Where the code is, the innermost function first: names and lines, and no values.

    The innermost ones of any module, and then some of our own.
    """
    places = [
        f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}:{frame.f_lineno}"
        for frame in _outward(innermost)
    ]
    ours = [place for place in places[_INNERMOST:] if place.startswith("hirewire.")]
    return places[:_INNERMOST] + ours[:_OURS]


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


@contextmanager
def watched(process: str) -> Iterator[None]:
    """Watch the running event loop: one that is blocked is logged once, while it lasts."""
    watch = _Watch(asyncio.get_running_loop(), process)
    try:
        yield
    finally:
        watch.end()
