"""What the sentence encoder costs `vacancies`: at the start, in memory, and per phrase.

Each round starts two processes with the settings of production, one without and one with
a folder for the vectors. The start ends when code, dictionaries and typeahead are loaded and
suggestions by meaning are on. Private memory is what counts in docs/operations.md; resident memory
also has the pages of the vectors' file, which the machine may drop and read again.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import process
from bench.hour import private
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from bench.process import Worker
from hirewire.launcher.platform import LIBRARIES
from tests.vacancies.skills.phrases import phrases

MEMORY = 150.0
WORK = 30.0
PHRASES, QUICK_PHRASES = 160, 20
MIB = 2**20
_NOWHERE = dict.fromkeys(("BENCH_READER", "BENCH_WRITER", "BENCH_BROKER", "BENCH_QUEUE"), "")
Values = dict[str, list[float]]


async def run(_: Bench, options: Options) -> list[Figure]:
    """The rounds, with vectors that are made once before them."""
    texts = [one.text for one in phrases("held")][: options.count(PHRASES, QUICK_PHRASES)]
    values: Values = {}
    with TemporaryDirectory(prefix="hirewire-bench-") as folder:
        made = await _made(folder, texts[0])
        for __ in range(options.rounds):
            await _without(values)
            await _with(values, folder, texts)
        [file] = Path(folder).rglob("meaning-*.npy")
        size = file.stat().st_size / MIB
    return [
        Figure("start, without a folder for vectors", values["without"], "s"),
        Figure("start, with vectors", values["with"], "s"),
        Figure("… modules of the encoder that it loads", values["modules"], "", at_most=0),
        Figure("… private memory, more than without", values["idle"], "MiB"),
        Figure("first phrase: encoder and vectors loaded, and the answer", values["first"], "ms"),
        Figure("later phrases, p50", values["p50"], "ms"),
        Figure("later phrases, p95", values["p95"], "ms"),
        Figure("… processor time: p50", values["worked"], "ms", at_most=WORK),
        Figure("private memory added by the first phrase", values["one"], "MiB"),
        Figure(f"private memory added after {len(texts)} phrases", values["private"], "MiB"),
        Figure("resident memory added, with the file's", values["all"], "MiB", at_most=MEMORY),
        Figure("vectors of the dictionary: made once, by another process", [made], "s"),
        Figure("… kept in a file of", [size], "MiB"),
    ]


async def _made(folder: str, text: str) -> float:
    """Ask for the first phrase of all: seconds until its answer. It makes the vectors."""
    async with _worker(folder) as worker:
        await _start(worker)
        started = time.perf_counter()
        await _ask(worker, [text])
        return time.perf_counter() - started


async def _without(values: Values) -> None:
    async with _worker("") as worker:
        _add(values, without=(await _start(worker))["seconds"], bare=private(worker.pid))


async def _with(values: Values, folder: str, texts: list[str]) -> None:
    async with _worker(folder) as worker:
        started = await _start(worker)
        idle, resident = private(worker.pid), started["resident"]
        _add(values, **{"with": started["seconds"], "modules": started["modules"]})
        [first] = (await _ask(worker, texts[:1]))["passed"]
        one = private(worker.pid)
        later = await _ask(worker, texts)
        passed, worked = later["passed"], later["worked"]
        _add(values, first=first, p50=percentile(passed, 0.5), p95=percentile(passed, 0.95))
        _add(values, worked=percentile(worked, 0.5))
        _add(values, idle=idle - values["bare"][-1], one=one - idle)
        _add(values, private=private(worker.pid) - idle, all=later["resident"] - resident)


def _worker(folder: str) -> Any:
    argv = process.python("encoder", {"folder": folder})
    return process.worker("encoder", argv, LIBRARIES | _NOWHERE)


async def _start(worker: Worker) -> Mapping[str, Any]:
    await worker.go()
    return await worker.result()


async def _ask(worker: Worker, texts: list[str]) -> Mapping[str, Any]:
    await worker.send({"texts": texts})
    return await worker.result()


def _add(values: Values, **more: float) -> None:
    for name, value in more.items():
        values.setdefault(name, []).append(value)
