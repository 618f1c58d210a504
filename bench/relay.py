"""From the outbox to confirmed and marked as sent, over a backlog.

Beside it: a bare publisher, which has no outbox and waits for 500 confirms. The relay is timed from
its start, with its process loaded (so connecting is included), to the moment when nothing is
unsent.
"""

import time

from bench import ledger, process
from bench.events import KEYS, TOPOLOGY, Noted
from bench.ledger import BODY_BYTES
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair, until
from hirewire.messaging.broker import EXCHANGE

BARE = "bare publisher in Node"


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Rounds of writing a backlog and publishing it, and of publishing as many without one."""
    pair = await bench.pair("relay")
    await bench.broker.declare([TOPOLOGY])
    await bench.purge()
    count = options.count(100_000, 10_000)
    rates, limits = list[float](), list[float]()
    for _ in range(options.rounds):
        rates.append(count / await timed(bench, pair, count))
        if process.has_node():
            limits.append(await bare(bench, pair, count))
    what = f"outbox to confirmed and marked as sent, backlog of {count:,}"
    made = [Figure(what, rates, "/s", at_least=15_000)]
    if limits:
        share = ratios(rates, limits)
        made += [
            Figure("… compared with a bare publisher, in Node", share, "×", at_least=0.6),
            Figure("a bare publisher, in Node", limits, "/s"),
        ]
    return made


async def bare(bench: Bench, pair: Pair, count: int) -> float:
    """Messages per second of a publisher without an outbox; each is verified to be queued once."""
    options = {
        "count": count,
        "bytes": BODY_BYTES,
        "exchange": EXCHANGE,
        "type": Noted.name,
    }
    async with bench.worker(BARE, pair, options) as running:
        await running.go()
        seconds = float((await running.result())["seconds"])
    assert await bench.waiting() == count
    await bench.purge()
    return count / seconds


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
    assert (there := await bench.waiting()) == count, f"{there:,} in the queue instead of {count:,}"
    return seconds
