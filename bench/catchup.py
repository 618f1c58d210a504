"""A busy key whose handler has failed for a while: how fast the key catches up afterwards."""

from collections.abc import Sequence

from bench import consume, ledger
from bench.events import messages
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair, until
from hirewire.messaging.broker import Message

KINDS = {"batched": "recovering", "one at a time": "recovering one at a time"}


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Deliver one key's messages to a handler that works, and to one that failed at first."""
    pair = await bench.pair("catchup")
    made = messages(options.count(20_000, 4_000), keys=1)
    direct: dict[str, list[float]] = {kind: [] for kind in KINDS}
    behind: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(options.rounds):
        for kind, recovering in KINDS.items():
            direct[kind].append(await consume.timed(bench, pair, kind, made))
            behind[kind].append(await _timed(bench, pair, recovering, made))
    figures = []
    for kind in KINDS:
        figures += [
            Figure(f"catching up on one key that had failed, {kind}", behind[kind], "/s"),
            Figure("… compared with its normal rate", ratios(behind[kind], direct[kind]), "×", 0.5),
        ]
    return figures


async def _timed(bench: Bench, pair: Pair, name: str, fed: Sequence[Message]) -> float:
    """Effects per second from the first to the last, after every message had to wait."""
    await pair.empty()
    await bench.feed(fed)

    async def waits() -> bool:
        return await ledger.still_open(pair.reader) == len(fed)

    async with bench.worker(name, pair) as running:
        await running.go()
        await until(waits, running, every=0.05)
        await running.go()
        await bench.consumed(pair, len(fed), running)
    assert await pair.effects() == len(fed)
    assert await ledger.still_open(pair.reader) == 0
    return await pair.rate()
