"""Where a worker spends its time: py-spy at full load, as two short tables of functions."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import ledger
from bench.events import KEYS, messages
from bench.places import Bench, Pair, has_rows, places, until
from bench.process import Worker
from bench.relay import write

WORKERS = ("batched", "one at a time", "relay", "steady", "faststream", "by hand")
RATE = 100
"""Samples per second."""
EVENTS_A_SECOND = 25_000
"""Events prepared for each second of a profile: more than any worker handles."""
TOP = 25


async def run(name: str, seconds: int) -> str:
    """The profile of one worker over this many seconds, as text."""
    async with places() as bench:
        pair = await bench.pair("profile")
        async with _at_work(bench, pair, name, seconds) as running:
            folded = await _record(running.pid, seconds)
    return f"{name}, {seconds} s of py-spy at {RATE}/s\n\n{summary(folded)}"


@asynccontextmanager
async def _at_work(bench: Bench, pair: Pair, name: str, seconds: int) -> AsyncIterator[Worker]:
    count = EVENTS_A_SECOND * (seconds + 2)
    options: dict[str, object] = {}
    if name == "steady":
        options = {"first": 0, "writers": 1, "window": 2**62, "tasks": 20}
    elif name == "relay":
        await write(bench, pair, count, each=500, active=KEYS, keys=KEYS)
    else:
        await bench.feed(messages(count))
    async with bench.worker(name, pair, options) as running:
        await running.go()
        await until(_begun(pair, name), running, every=0.05)
        yield running


def _begun(pair: Pair, name: str) -> Callable[[], Awaitable[bool]]:
    async def publishing() -> bool:
        return await ledger.unsent(pair.writer) < await ledger.recorded(pair.writer)

    if name == "relay":
        return publishing
    if name == "steady":
        return has_rows(pair.writer, "deed")
    return has_rows(pair.reader, "note")


async def _record(pid: int, seconds: int) -> list[str]:
    program = Path(sys.executable).parent / "py-spy"
    with TemporaryDirectory() as folder:
        output = Path(folder) / "folded"
        argv = [str(program), "record", "--pid", str(pid), "--duration", str(seconds)]
        argv += ["--rate", str(RATE), "--format", "raw", "--output", str(output)]
        process = await asyncio.create_subprocess_exec(
            *argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        _, said = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"py-spy: {said.decode().strip()}")
        return output.read_text().splitlines()


def summary(folded: Iterable[str], top: int = TOP) -> str:
    """Functions by their own share of the samples, and by their share with everything they call.

    `folded` has lines ``outermost;…;innermost count``, each frame ``function (file:line)``.
    """
    own: Counter[str] = Counter()
    cumulative: Counter[str] = Counter()
    for line in folded:
        stack, _, count = line.rpartition(" ")
        frames = [_function(frame) for frame in stack.split(";")] if stack else ["(no frame)"]
        own[frames[-1]] += int(count)
        cumulative.update(dict.fromkeys(frames, int(count)))
    samples = own.total()
    return "\n\n".join(
        _block(title, counted.most_common(top), samples)
        for title, counted in (("self", own), ("cumulative", cumulative))
    )


def _function(frame: str) -> str:
    """``function (file)``: the lines of a function are counted together."""
    name, _, place = frame.rpartition(" (")
    return f"{name} ({place.rstrip(')').partition(':')[0]})" if name else frame


def _block(title: str, counted: list[tuple[str, int]], samples: int) -> str:
    lines = [f"{100 * count / samples:6.1f}%  {name}" for name, count in counted]
    return "\n".join((f"   {title}", *lines))
