"""A business transaction that records an event, compared with the same one without; 20 writers.

Both run in long-lived processes and take turns of a few hundred transactions, so that other load on
the machine affects both equally.
"""

from contextlib import AsyncExitStack

from bench import ledger
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair

WRITERS = 20
TURN = 300
APART = 10**9
"""The distance between the numbers that the two use."""


async def run(bench: Bench, options: Options) -> list[Figure]:
    """A typical transaction and a minimal one, each with an event and without."""
    pair = await bench.pair("business")
    turns = options.count(15, 4)
    rates: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for _ in range(options.rounds):
        for change, found in rates.items():
            found.append(await timed(bench, pair, turns, change=change))
    figures = []
    for change, what in ((True, "business transaction"), (False, "one INSERT")):
        with_event, without = (list(column) for column in zip(*rates[change], strict=True))
        share = ratios(with_event, without)
        figures += [
            Figure(f"{what} that records an event, {WRITERS} writers", with_event, "/s"),
            Figure(
                "… compared with the same without", share, "×", at_least=0.8 if change else None
            ),
        ]
    return figures


async def timed(bench: Bench, pair: Pair, turns: int, *, change: bool) -> tuple[float, float]:
    """Transactions per second with an event and without; rows and events are counted afterwards."""
    await pair.empty()
    await pair.writer.execute("vacuum page")
    seconds = [0.0, 0.0]
    async with AsyncExitStack() as stack:
        both = [
            await stack.enter_async_context(
                bench.worker("business", pair, _options(change, events=events))
            )
            for events in (True, False)
        ]
        for _ in range(turns):
            for nth, running in enumerate(both):
                await running.go()
                seconds[nth] += float((await running.result())["seconds"])
    done = TURN * turns
    counts = "select count(*) filter (where number < $1), count(*) from deed"
    [(with_event, all)] = await pair.writer.fetch(counts, APART)
    assert with_event == all - with_event == await ledger.recorded(pair.writer) > done
    return done / seconds[0], done / seconds[1]


def _options(change: bool, *, events: bool) -> dict[str, object]:
    first = 0 if events else APART
    return {
        "turn": TURN,
        "tasks": WRITERS,
        "change": change,
        "events": events,
        "first": first,
    }
