"""One key fails, 10,000 others do not: how much that slows the others down."""

from collections.abc import Sequence

from bench import ledger
from bench.events import messages
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair
from hirewire.messaging.broker import Message

OTHERS = 10_000


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Interleaved rounds with a failing key and without."""
    pair = await bench.pair("failing")
    made = messages(options.count(8, 2) * (OTHERS + 1), keys=OTHERS + 1)
    rates: dict[str, list[float]] = {"batched": [], "failing": []}
    for _ in range(options.rounds):
        for name, found in rates.items():
            found.append(await timed(bench, pair, name, made))
    share = ratios(rates["failing"], rates["batched"])
    return [
        Figure("one key failing, 10,000 others: the others", rates["failing"], "/s"),
        Figure("… compared with no failure", share, "×", at_least=0.95),
    ]


async def timed(bench: Bench, pair: Pair, name: str, fed: Sequence[Message]) -> float:
    """Effects per second; the failing key's messages are all unresolved, the others all handled."""
    await pair.empty()
    await bench.feed(fed)
    bad = len(fed) // (OTHERS + 1) if name == "failing" else 0
    async with bench.worker(name, pair) as running:
        await running.go()
        await bench.consumed(pair, len(fed) - bad, running)
    assert await pair.effects() == len(fed) - bad
    assert await ledger.still_open(pair.reader) == bad
    return await pair.rate()
