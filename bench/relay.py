"""From the outbox to confirmed and marked as sent, over a backlog.

Timed from the start of a relay whose process is loaded (so connecting is included) to the moment
when nothing is unsent.
"""

import time

from bench import ledger
from bench.events import KEYS
from bench.measure import Figure, Options
from bench.places import Bench, Pair, until


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Rounds of writing a backlog and publishing it."""
    pair = await bench.pair("relay")
    count = options.count(100_000, 10_000)
    rates = [count / await timed(bench, pair, count) for _ in range(options.rounds)]
    what = f"outbox to confirmed and marked as sent, backlog of {count:,}"
    return [Figure(what, rates, "/s", at_least=15_000)]


async def timed(bench: Bench, pair: Pair, count: int) -> float:
    """Events per second over a backlog of this size; each event is verified to be queued once."""
    await pair.empty()
    await write(bench, pair, count, each=500, active=KEYS, keys=KEYS)
    await pair.writer.execute("checkpoint")
    seconds = await publish(bench, pair, count)
    await bench.purge()
    return seconds


async def write(
    bench: Bench, pair: Pair, count: int, *, each: int, active: int, keys: int, tasks: int = 1
) -> float:
    """Record this many events through the public API; returns the seconds it took."""
    options = {"count": count, "each": each, "active": active, "keys": keys, "tasks": tasks}
    async with bench.worker("record", pair, options) as running:
        await running.go()
        return float((await running.result())["seconds"])


async def publish(bench: Bench, pair: Pair, count: int) -> float:
    """Let a relay publish all unsent events; returns the seconds it took."""

    async def queued() -> bool:
        return await bench.waiting() >= count

    async def sent() -> bool:
        return await ledger.unsent(pair.writer) == 0

    async with bench.worker("relay", pair) as running:
        started = time.perf_counter()
        await running.go()
        await until(queued, running, every=0.02)
        await until(sent, running, every=0.005)
        seconds = time.perf_counter() - started
    assert await bench.waiting() == count
    return seconds
