"""Replaces the core's clock, random numbers and connections with those of the running world.

Only module attributes are replaced, and only while a history runs; the code under test is
unchanged. Batch and chunk sizes are reduced, so that small histories reach their limits.
"""

import asyncio
import random
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from importlib import import_module
from typing import Any
from uuid import UUID

from sqlalchemy import event

from hirewire.messaging import database, ids, metrics
from simulate import modules
from simulate.postgres.plain import Connection
from simulate.postgres.pooled import Events
from simulate.postgres.shared import moment
from simulate.postgres.wire import open_wire
from simulate.world import World

SIZES: dict[str, dict[str, float]] = {
    "pipeline": {"BATCH": 6, "CHUNK": 3, "CHUNKS_UNDER_WAY": 2},
    "key_queues": {"LONG": 4, "PASS": 2},
    "relay": {"STANDBY_SECONDS": 10.0},
    "retries": {"IDLE_SECONDS": 10.0},
    "replay": {"PIECE": 4, "LAST_PASS": 3},
}


def _nothing(*_: object, **__: object) -> None:
    pass


class _Time:
    """Replaces the module `time`."""

    def monotonic(self) -> float:
        return World.current.loop.now

    perf_counter = monotonic

    def time(self) -> float:
        return moment(self.monotonic()).timestamp()


class _Datetime(datetime):
    """Replaces `datetime` where the current time is read."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return moment(World.current.loop.now).astimezone(tz)


class _Random:
    """Replaces the module `random`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(World.current.random, name)


class _Secrets:
    """Replaces the module `secrets`."""

    def token_hex(self, length: int) -> str:
        return f"{World.current.random.getrandbits(8 * length):0{2 * length}x}"


class _Log:
    """Replaces a logger: its lines go into the history, if one is printed."""

    def __getattr__(self, level: str) -> Any:
        if World.current.trace is None:
            return _nothing

        def write(text: str, **fields: Any) -> None:
            world = World.current
            shown = " ".join(f"{name}={value}" for name, value in fields.items())
            world.note(f"{'':10} log: {text} {shown}")
            error = sys.exc_info()[1] if level == "exception" else None
            if error is not None:
                world.note(f"{'':10} {type(error).__name__}: {error}")

        return write


class _Uncounted:
    """Replaces a metric, which nothing reads."""

    def labels(self, *_: object) -> "_Uncounted":
        return self

    inc = observe = set = staticmethod(_nothing)


def _new_id() -> UUID:
    return World.current.new_id()


async def connect(url: str, *, application: str, **_: Any) -> Connection:
    """Replaces the core's function: connects to the database named at the end of the address."""
    world = World.current
    return Connection(await open_wire(world, world.database(url.rsplit("/", 1)[1])))


def _new_traceparent() -> str:
    return "00-00000000000000000000000000000001-0000000000000001-00"


async def _never(*_: object) -> None:
    await asyncio.sleep(1e9)


def _replacements() -> list[tuple[Any, str, Any]]:
    """Module or class, attribute, and replacement."""
    by_value: list[tuple[object, object]] = [
        (ids.new_id, _new_id),
        (database.connect, connect),
        (time, _Time()),
        (random, _Random()),
        (secrets, _Secrets()),
        (datetime, _Datetime),
        (event, Events()),
    ]
    found: list[tuple[Any, str, Any]] = []
    for module in modules.modules():
        for attribute, value in list(vars(module).items()):
            for old, new in by_value:
                if value is old:
                    found.append((module, attribute, new))
            if attribute == "log":
                found.append((module, attribute, _Log()))
    for name, sizes in SIZES.items():
        place = modules.module(name)
        found += [(place, n, value) for n, value in sizes.items() if hasattr(place, n)]
    found.append((import_module("hirewire.operators.auditing"), "POLL_SECONDS", 0.25))
    found.append((import_module("hirewire.messaging.tracing"), "new_traceparent", _new_traceparent))
    counted = [name for name, value in vars(metrics).items() if hasattr(value, "labels")]
    found += [(metrics, name, _Uncounted()) for name in counted]
    found.append((metrics, "delays", _nothing))
    for module_name, class_name in (
        ("retention", "Retention"),
        ("gauges", "Gauges"),
        ("schedule", "Scheduler"),
    ):
        kind = getattr(modules.module(module_name), class_name)
        found.append((kind, "run", _never))
    return found


@contextmanager
def installed() -> Iterator[None]:
    """While the block runs, the core uses the simulated world."""
    changed = [(place, name, getattr(place, name), new) for place, name, new in _replacements()]
    try:
        for place, name, _, new in changed:
            setattr(place, name, new)
        yield
    finally:
        for place, name, old, _ in changed:
            setattr(place, name, old)
