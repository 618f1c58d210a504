"""The cost of an event as log and inbox grow: recorded, published, consumed with an effect.

Databases of all sizes are filled first and measured in turn. Each gets the same number of events
for the same number of keys, and the keys are spread over the whole log. What a round added is
removed afterwards, so that the sizes stay.
"""

import asyncio

from bench import ledger, plots
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair
from bench.relay import publish, write

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
ACTIVE = 1_000
"""Keys for which events are recorded."""
PHASES = ("record", "relay", "consume")


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Fill the databases, then run rounds over all sizes."""
    sizes = SIZES[: options.count(4, 2)]
    count = options.count(10_000, 4_000)
    pairs = {size: await _filled(bench, size) for size in sizes}
    costs: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    for _ in range(options.rounds):
        for size, pair in pairs.items():
            costs[size].append(await timed(bench, pair, size, count))
    if options.folder:
        plots.growth(options.folder / "growth.png", costs)
    totals = {size: [sum(one.values()) for one in rounds] for size, rounds in costs.items()}
    first = totals[sizes[0]]
    worst = [max(found) for found in zip(*(ratios(t, first) for t in totals.values()), strict=True)]
    return [
        *(Figure(f"cost per event, log of {size:,} rows", totals[size], "µs") for size in sizes),
        Figure(
            f"… {sizes[-1]:,} compared with {sizes[0]:,}",
            ratios(totals[sizes[-1]], first),
            "×",
            at_most=1.2,
        ),
        Figure("… the most expensive size compared with the smallest", worst, "×", at_most=1.2),
    ]


async def timed(bench: Bench, pair: Pair, size: int, count: int) -> dict[str, float]:
    """Microseconds per event in each phase."""
    await pair.reader.execute("truncate note")
    await pair.reader.execute("checkpoint")
    since = await pair.reader.fetchval("select clock_timestamp()")
    keys = size // ledger.EVENTS_PER_KEY
    recording = await write(bench, pair, count, each=10, active=ACTIVE, keys=keys, tasks=4)
    relaying = await publish(bench, pair, count)
    async with bench.worker("batched", pair) as running:
        await running.go()
        await bench.consumed(pair, count, running)
    assert await pair.effects() == count
    consuming = count / await pair.rate()
    for connection in (pair.writer, pair.reader):
        await ledger.forget(connection, since)
    seconds = dict(zip(PHASES, (recording, relaying, consuming), strict=True))
    return {phase: seconds[phase] / count * 1e6 for phase in PHASES}


async def _filled(bench: Bench, size: int) -> Pair:
    pair = await bench.pair(f"growth_{size}")
    await asyncio.gather(ledger.fill_log(pair.writer, size), ledger.fill_inbox(pair.reader, size))
    assert await ledger.recorded(pair.writer) == await ledger.handled(pair.reader) == size
    return pair
