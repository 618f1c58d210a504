"""From the commit of a business transaction to the committed effect, at 50 events per second.

Compared with the naive pattern: commit, then publish with a confirm (aio-pika), SELECT, INSERT,
ack. Both moments are PostgreSQL's commit times of the two transactions, taken by one clock.
"""

import asyncpg

from bench import plots
from bench.measure import Figure, Options, percentile, ratios
from bench.places import Bench, Pair

RATE = 50.0
CONTESTANTS = {"hirewire": ("paced", "batched"), "naive": ("naive", "by hand")}
"""The writer and the reader of each contestant."""
_COMMITTED = """
select number, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
from {table} where number >= 0
"""


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Both contestants, interleaved."""
    pair = await bench.pair("latency")
    count = options.count(500, 150)
    found: dict[str, list[list[float]]] = {name: [] for name in CONTESTANTS}
    for _ in range(options.rounds):
        for name, rounds in found.items():
            rounds.append(await timed(bench, pair, name, count))
    if options.folder:
        plots.delays(options.folder / "latency.png", found)
    p50, p99 = (
        {name: [percentile(one, share) for one in rounds] for name, rounds in found.items()}
        for share in (0.5, 0.99)
    )
    return [
        Figure("commit to effect at 50 events/s: p50", p50["hirewire"], "ms", at_most=5),
        Figure("… p99", p99["hirewire"], "ms", at_most=25),
        Figure(
            "… p50 compared with the naive pattern",
            ratios(p50["hirewire"], p50["naive"]),
            "×",
            at_most=1.2,
        ),
        Figure("the naive pattern: p50", p50["naive"], "ms"),
        Figure("… p99", p99["naive"], "ms"),
    ]


async def timed(bench: Bench, pair: Pair, name: str, count: int) -> list[float]:
    """The latency in milliseconds of each event, after a warm-up."""
    await pair.empty()
    writing, reading = CONTESTANTS[name]
    async with (
        bench.worker(reading, pair) as reader,
        bench.worker(writing, pair, {"rate": RATE, "count": count}) as writer,
    ):
        await reader.go()
        await writer.go()
        await writer.result()
        written = await pair.writer.fetchval("select count(*) from deed")
        await bench.consumed(pair, written, reader)
    assert await pair.effects() == written
    committed, effected = await _times(pair.writer, "deed"), await _times(pair.reader, "note")
    assert committed.keys() == effected.keys()
    assert len(committed) == count
    return [(effected[number] - at) / 1000 for number, at in committed.items()]


async def _times(connection: asyncpg.Connection, table: str) -> dict[int, int]:
    rows = await connection.fetch(_COMMITTED.format(table=table))
    return {row[0]: row[1] for row in rows}
