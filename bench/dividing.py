"""Divided matching: what a changed resume costs with 1, 2 and 4 processes, and what they hold.

The time is from the start of the transaction that records the change until the last shard has
compared it. Processor time is that of the processes that match, without PostgreSQL's; on fewer
cores than processes it says more than the time, which then is that of one core. Before, the same in
one process whose matching is whole.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from bench import process
from bench.board import Board, board
from bench.hour import private
from bench.measure import Figure, Options, percentile
from bench.memory import KINDS, Rows
from bench.places import Bench
from bench.process import Worker
from bench.world import World
from hirewire.kit.db import make_engine
from hirewire.launcher.platform import LIBRARIES
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations.background import Matcher
from hirewire.vacancies.recommendations.commands import Resume
from hirewire.vacancies.recommendations.facts import offer_of
from hirewire.vacancies.recommendations.index.shards import SHARDS

SIZE, QUICK_SIZE = 100_000, 2_000
PROCESSES = (1, 2, 4)
CHANGES, QUICK_CHANGES = 200, 20
BURST, QUICK_BURST = 1_000, 50
AT_ONCE = 100
"""Resumes of a burst in one transaction."""
_MATCHED = "select min(done) >= (select last from generation) from matching_shard"


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Whole matching, and the same divided."""
    size = options.count(SIZE, QUICK_SIZE)
    pair = await bench.pair("dividing")
    async with board(pair.reader_url, "divided_vacancies") as made:
        await Rows(made).compared(size, *KINDS)
        await made.connection.execute("update generation set last = 1")
        whole = await made.resumes_change(options.count(CHANGES, QUICK_CHANGES))
        what = f"{size:,} vacancies and resumes, whole: resume changed"
        figures = _changed(what, whole.passed, whole.worked)
        for count in PROCESSES:
            figures += await _divided(made, count, options)
    return figures


def _changed(what: str, passed: Sequence[float], worked: Sequence[float]) -> list[Figure]:
    return [
        Figure(f"{what}: p50", [percentile(passed, 0.5)], "ms"),
        Figure("… p95", [percentile(passed, 0.95)], "ms"),
        Figure("… processor time: mean", [sum(worked) / len(worked)], "ms"),
    ]


async def _divided(made: Board, count: int, options: Options) -> list[Figure]:
    async with AsyncExitStack() as stack:
        url = made.transactions.engine.url.render_as_string(hide_password=False)
        workers = [await stack.enter_async_context(_matching(url)) for _ in range(count)]
        await _all_hold(workers)
        await _change(made, 1)
        changes = options.count(CHANGES, QUICK_CHANGES)
        before = [await _worked(one) for one in workers]
        passed = [await _change(made, 1) for _ in range(changes)]
        after = [await _worked(one) for one in workers]
        worked = [(b - a) / changes for a, b in zip(before, after, strict=True)]
        burst = await _change(made, options.count(BURST, QUICK_BURST))
        held = [private(one.pid) for one in workers]
    return [
        *_changed(f"divided by {count}: resume changed", passed, [sum(worked)]),
        Figure("… of the busiest process", [max(worked)], "ms"),
        Figure(
            f"… {options.count(BURST, QUICK_BURST):,} resumes at once: all matched after",
            [burst / 1000],
            "s",
        ),
        Figure("… memory of the largest process", [max(held)], "MiB"),
    ]


async def _change(made: Board, count: int) -> float:
    """Milliseconds until so many new resumes are matched with all vacancies."""
    offers = [offer_of(made.resume()) for _ in range(count)]
    started = time.perf_counter()
    for start in range(0, count, AT_ONCE):
        part = offers[start : start + AT_ONCE]
        await made.compare({new_id(): Resume(UUID(int=1), 1, one) for one in part})
    while not await made.connection.fetchval(_MATCHED):
        await asyncio.sleep(0.001)
    return (time.perf_counter() - started) * 1000


async def _all_hold(workers: Sequence[Worker]) -> None:
    """Wait until the processes have divided all shards equally, and have read their vacancies."""
    for one in workers:
        await one.go()
    while True:
        states = [await _state(one) for one in workers]
        held = [int(state["held"]) for state in states]
        is_even = sum(held) == SHARDS and max(held) == SHARDS // len(workers)
        if is_even and all(state["read"] for state in states):
            return
        await asyncio.sleep(0.1)


async def _state(worker: Worker) -> dict[str, float]:
    await worker.send("state")
    return await worker.result()


async def _worked(worker: Worker) -> float:
    """Its processor time in milliseconds."""
    return (await _state(worker))["worked"]


@asynccontextmanager
async def _matching(url: str) -> AsyncIterator[Worker]:
    nowhere = dict.fromkeys(("BENCH_WRITER", "BENCH_BROKER", "BENCH_QUEUE"), "")
    environment = LIBRARIES | nowhere | {"BENCH_READER": url}
    async with process.worker("dividing", process.python("dividing", {}), environment) as worker:
        yield worker


async def part(world: World) -> None:
    """One of the processes that divide the matching."""
    engine = make_engine(world.reader, pool=2, application="bench")
    matcher = Matcher(Transactions(engine, "vacancies"), world.reader)
    await world.go()
    running = asyncio.create_task(matcher.run())
    while await world.received() is not None:
        index = matcher.index
        read = index.generation > 0 and index.shards == matcher.held
        worked = time.process_time() * 1000
        world.report(held=len(matcher.held), read=read, worked=worked)
    running.cancel()
    await asyncio.wait([running])
    await engine.dispose()
