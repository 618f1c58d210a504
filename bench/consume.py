"""From delivery to committed effect, sustained: Hirewire compared with common alternatives.

Each round fills the queue and lets one contestant after another process enough messages for some
seconds. The rate is the number of effects between the first commit and the last.
"""

from collections.abc import Sequence

from bench import plots, process
from bench.events import messages
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair
from hirewire.messaging.broker import Message

COUNTS = {
    "batched": (80_000, 10_000),
    "one at a time": (20_000, 3_000),
    "faststream": (8_000, 1_500),
    "by hand": (8_000, 1_500),
    "node": (15_000, 3_000),
}
"""Messages per round: in a full run and in a quick one."""
BARE = "bare consumer in Node"


async def timed(bench: Bench, pair: Pair, name: str, fed: Sequence[Message]) -> float:
    """Effects per second of one contestant over these messages; every effect is verified."""
    await pair.empty()
    await bench.feed(fed)
    async with bench.worker(name, pair) as running:
        await running.go()
        await bench.consumed(pair, len(fed), running)
    assert await pair.effects() == len(fed)
    return await pair.rate()


async def bare(bench: Bench, pair: Pair, fed: Sequence[Message]) -> float:
    """Messages per second of a client that only consumes and acks."""
    await bench.feed(fed)
    async with bench.worker(BARE, pair, {"count": len(fed)}) as running:
        await running.go()
        return len(fed) / float((await running.result())["seconds"])


async def run(bench: Bench, options: Options) -> list[Figure]:
    """All contestants, interleaved."""
    pair = await bench.pair("consume")
    in_node = ("node", BARE) if process.has_node() else ()
    names = [name for name in COUNTS if name != "node" or in_node]
    counts = {name: options.count(*COUNTS[name]) for name in names}
    made = messages(max(counts.values()))
    rates: dict[str, list[float]] = {name: [] for name in (*names, *in_node)}
    for _ in range(options.rounds):
        for name in names:
            rates[name].append(await timed(bench, pair, name, made[: counts[name]]))
        if in_node:
            rates[BARE].append(await bare(bench, pair, made))
    if options.folder:
        effects = {name: rates[name] for name in names}
        plots.rates(options.folder / "consume.png", "delivery to committed effect", effects)
    return _figures(rates)


def _figures(rates: dict[str, list[float]]) -> list[Figure]:
    batched, one, stream = rates["batched"], rates["one at a time"], rates["faststream"]
    made = [
        Figure("delivery to committed effect, batched", batched, "/s", at_least=20_000),
        Figure("… compared with FastStream", ratios(batched, stream), "×", at_least=20),
    ]
    if "node" in rates:
        made += [
            Figure(
                "… compared with the report's helper in Node",
                ratios(batched, rates["node"]),
                "×",
                at_least=5,
            ),
            Figure("the report's helper in Node", rates["node"], "/s"),
            Figure(
                "… compared with consuming and acking alone, in Node",
                ratios(batched, rates[BARE]),
                "×",
                at_least=0.5,
            ),
            Figure("consuming and acking alone, in Node", rates[BARE], "/s"),
        ]
    return [
        *made,
        Figure("FastStream", stream, "/s"),
        Figure("by hand with aio-pika", rates["by hand"], "/s"),
        Figure("one event at a time", one, "/s"),
        Figure("… compared with FastStream", ratios(one, stream), "×", at_least=1.5),
    ]
