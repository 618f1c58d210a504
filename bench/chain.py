"""The whole chain at once: business transaction, outbox, confirmed publication, inbox, effect.

Two writing processes, the publishing service's worker, RabbitMQ, PostgreSQL and the consumer share
the machine. Writers pause while more than a second's worth of events is in flight, so the measured
rate is one that all parts sustain. Effects are counted by their commits, second by second.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from itertools import chain

import asyncpg

from bench import pgbench
from bench.cpu import spent
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair, has_rows, until
from bench.process import Worker

WRITERS = 2
TASKS = 10
WINDOW = 5_000
"""Events in flight at which the writers pause."""
MOST = 1.2 * WINDOW
WARM_UP_SECONDS = 3.0


@dataclass(frozen=True)
class Round:
    """The results of one round."""

    rate: float
    """Effects per second."""
    backlog: float
    """The largest number of events in flight, sampled once a second."""
    growth: float
    """Growth of the backlog in events per second: the mean of the second half against the first."""
    cpu: dict[str, float]
    """Processor time by part, in microseconds per event."""


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Several rounds of some seconds each."""
    pair = await bench.pair("chain")
    seconds = options.count(12, 5)
    found, limits = list[Round](), list[float]()
    for _ in range(options.rounds):
        found.append(await timed(bench, pair, seconds))
        limits.append(await pgbench.rate(bench, pair, seconds))
    rates = [one.rate for one in found]
    return [
        Figure(f"the whole chain, sustained for {seconds} s", rates, "/s"),
        Figure(
            "… compared with the writers' statements alone, by pgbench",
            ratios(rates, limits),
            "×",
            at_least=0.5,
        ),
        Figure("the writers' statements alone, by pgbench", limits, "/s"),
        Figure("… peak number in flight", [one.backlog for one in found], "events", at_most=MOST),
        Figure("… growth of the backlog", [one.growth for one in found], "events/s"),
        *(
            Figure(f"… processor time of {part}", [one.cpu[part] for one in found], "µs per event")
            for part in found[0].cpu
        ),
    ]


async def timed(bench: Bench, pair: Pair, seconds: int) -> Round:
    """One round on empty tables; every effect is verified."""
    await pair.empty()
    async with AsyncExitStack() as stack:
        parts = {
            name: [await stack.enter_async_context(one) for one in group]
            for name, group in _workers(bench, pair).items()
        }
        for one in chain.from_iterable(parts.values()):
            await one.go()
        [consumer] = parts["the consumer"]
        await until(has_rows(pair.reader, "paced_note"), consumer, every=0.05)
        await asyncio.sleep(WARM_UP_SECONDS)
        before = spent(parts)
        start = await pair.reader.fetchval("select extract(epoch from clock_timestamp())::float8")
        await asyncio.sleep(seconds)
        after = spent(parts)
        written = await _stopped(parts["the writers"])
        await bench.consumed(pair, written, consumer, "paced_note")
    assert await pair.effects("paced_note") == written
    rate, backlog, growth = await _seen(pair, float(start), seconds)
    cpu = {part: (after[part] - before[part]) / (rate * seconds) * 1e6 for part in after}
    return Round(rate, backlog, growth, cpu)


def _workers(bench: Bench, pair: Pair) -> dict[str, list[AbstractAsyncContextManager[Worker]]]:
    bounds = {"writers": WRITERS, "window": WINDOW, "tasks": TASKS}
    return {
        "the writers": [
            bench.worker("steady", pair, {"first": nth, **bounds}) for nth in range(WRITERS)
        ],
        "the relay": [bench.worker("relay", pair)],
        "the consumer": [bench.worker("chained", pair)],
    }


async def _stopped(writers: list[Worker]) -> int:
    for one in writers:
        one.enough()
    return sum([(await one.result())["written"] for one in writers])


async def _seen(pair: Pair, start: float, seconds: int) -> tuple[float, float, float]:
    effects = [await _before(pair.reader, "paced_note", start + n) for n in range(seconds + 1)]
    deeds = [await _before(pair.writer, "deed", start + n) for n in range(seconds + 1)]
    backlog = [d - e for d, e in zip(deeds, effects, strict=True)]
    half = len(backlog) // 2
    early, late = sum(backlog[:half]) / half, sum(backlog[-half:]) / half
    rate = (effects[-1] - effects[0]) / seconds
    return rate, float(max(backlog)), (late - early) / (len(backlog) - half)


async def _before(connection: asyncpg.Connection, table: str, moment: float) -> int:
    return int(
        await connection.fetchval(
            f"select count(*) from {table} "
            "where pg_xact_commit_timestamp(xmin) <= to_timestamp($1)",
            moment,
        )
    )
