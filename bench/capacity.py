"""The capacity simulation held against a real run: two partitions, an outage of their consumers.

First it measures what batches of all sizes take, with both consumers and the feeder at work, and
how long a consumer takes to start. A batch begins when the one before has ended and the broker has
confirmed its first message: so its time has all that a message meets but waiting for a turn. From
that the simulation predicts a run at another rate: the delay of an event, how fast consumers catch
up after an outage, and how long it takes them. Then that run is made. How much the machine's speed
changes between the two is part of this error. So the run is simulated once more, from the batches,
the rate and the outage that it had itself: what is left then is the error of the model.
"""

import asyncio
import json
import math
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.events import KEYS, messages
from bench.ledger import READER
from bench.measure import Figure, Options, percentile
from bench.places import Bench, Pair, until
from bench.process import Worker
from hirewire.messaging.broker import BrokerUnavailable, Message
from hirewire.messaging.consuming.partitions import ROUTED_AS, topology_of
from simulate.capacity.queueing import Arrivals, Outcome, Stage
from simulate.capacity.queueing import run as simulated
from simulate.capacity.service import Floats, Service, measured

PARTITIONS = 2
BATCH = 500
LOAD = 0.3
"""The share of their capacity at which consumers are fed."""
OUTAGE_SECONDS = 20.0
TICK_SECONDS = 0.004
CAUGHT_UP_SECONDS = 0.25
"""Worth of arrivals that may be left when the consumers have caught up."""
LONGEST = 60.0
"""Seconds in which a simulated run may catch up."""
SEEDS = 5
_COMMITS = """
select number, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as at from note
order by number
"""


@dataclass(frozen=True)
class Seen:
    """What a run shows, or what is predicted of it."""

    p50: float
    """Milliseconds from the broker's confirm to the committed effect, at a steady rate."""
    p95: float
    catching_up: float
    """Effects per second after the outage, while there is a backlog."""
    recovery: float
    """Seconds from the end of the outage until the backlog is gone."""


@dataclass(frozen=True)
class Calibration:
    """What the prediction is made from."""

    service: Service
    start: float
    """Seconds from a consumer's start to its first effect."""


@dataclass(frozen=True)
class Own:
    """What a run had itself."""

    calibration: Calibration
    rate: float
    """Messages per second that were published."""
    outage: float
    """Seconds."""


@dataclass(frozen=True)
class Round:
    """One run, what was predicted of it, and what is simulated from its own batches."""

    before: Seen
    again: Seen
    seen: Seen
    own: Own


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Calibrate, predict, and run, in each round."""
    pair = await bench.pair("capacity")
    await bench.broker.declare([topology_of(READER, n) for n in range(PARTITIONS)])
    outage = options.count(int(OUTAGE_SECONDS), 5)
    rounds: list[Round] = []
    services: list[Service] = []
    for nth in range(options.rounds):
        calibration = await _calibrated(bench, pair, outage, options)
        rate = LOAD * PARTITIONS * calibration.service.capacity(BATCH)
        before = _predicted(calibration, rate, outage, nth)
        seen, own = await _run(bench, pair, rate, outage)
        rounds.append(
            Round(before, _predicted(own.calibration, own.rate, own.outage, nth), seen, own)
        )
        services.append(calibration.service)
    if options.folder is not None:
        typical = sorted(services, key=lambda one: one.capacity(BATCH))[len(services) // 2]
        typical.save(
            options.folder / "service-times.json",
            "./dev bench capacity: the consumer of one of two partitions on two cores",
        )
    return _figures(rounds)


def _figures(rounds: Sequence[Round]) -> list[Figure]:
    figures = [Figure("fed, over two partitions", [one.own.rate for one in rounds], "/s")]
    for name, what, unit in (
        ("p50", "confirm to effect: p50", "ms"),
        ("p95", "confirm to effect: p95", "ms"),
        ("catching_up", "catching up after an outage", "/s"),
        ("recovery", "until caught up", "s"),
    ):
        real = _values(name, [one.seen for one in rounds])
        before = _values(name, [one.before for one in rounds])
        own = _values(name, [one.again for one in rounds])
        figures += [
            Figure(what, real, unit),
            Figure("… simulated from the run's own batches", own, unit),
            Figure("… error", _errors(own, real), "", at_most=0.25),
            Figure("… predicted before", before, unit),
            Figure("… error", _errors(before, real), "", at_most=0.25),
        ]
    return figures


def _values(name: str, found: Sequence[Seen]) -> list[float]:
    return [float(getattr(one, name)) for one in found]


def _errors(simulated: Sequence[float], real: Sequence[float]) -> list[float]:
    return [abs(a / b - 1) for a, b in zip(simulated, real, strict=True)]


async def _calibrated(bench: Bench, pair: Pair, outage: float, options: Options) -> Calibration:
    """Measure service times at several rates and after an outage, with the feeder at work.

    As the run has it: a backlog comes from consumers that were away, and is as deep as the run's.
    A short one, or one that is published while they consume, drains half as fast again.
    """
    await pair.empty()
    feeder = Feeder(bench)
    seconds = options.count(4, 2)
    with (
        tempfile.TemporaryDirectory(prefix="hirewire-bench-") as one,
        tempfile.TemporaryDirectory(prefix="hirewire-bench-") as other,
    ):
        backlog = options.count(24_000, 6_000)
        await feeder.burst(backlog)
        async with _consumers(bench, pair, Path(one)) as workers:
            began = time.time()
            await _go(workers)
            await _drained(pair, feeder, workers[0])
            first = float((await _commits(pair))[:, 1].min()) - began
            rough = backlog / (time.time() - began - first)
            await feeder.pace(100, seconds)
            for share in (0.1, 0.2, 0.4):
                await feeder.pace(share * rough, seconds)
            await _drained(pair, feeder, workers[0])
        await feeder.burst(int(LOAD * rough * outage))
        async with _consumers(bench, pair, Path(other)) as workers:
            async with _fed(feeder, LOAD * rough):
                await _go(workers)
                await _caught_up(pair, feeder, LOAD * rough, workers[0])
            await _drained(pair, feeder, workers[0])
        noted = [*_batches(Path(one), feeder), *_batches(Path(other), feeder)]
        return Calibration(measured(noted), first)


@asynccontextmanager
async def _fed(feeder: "Feeder", rate: float) -> AsyncIterator[None]:
    """Let the feeder publish at this rate until the end of the block, however it ends."""
    feeding = asyncio.create_task(feeder.pace(rate, 600))
    try:
        yield
    finally:
        feeder.enough = True
        await feeding


def _batches(folder: Path, feeder: "Feeder") -> Iterator[tuple[int, float]]:
    """Sizes and seconds, from what the consumers have noted."""
    for path in sorted(folder.glob("*.json")):
        # The first one of each consumer says nothing: its messages have waited for the consumer.
        for (_, before), (numbers, end) in pairwise(json.loads(path.read_text())):
            begin = max(before, feeder.times[numbers[0]])
            if begin < end:  # or the broker has passed it on before its confirm was read
                yield len(numbers), end - begin


def _predicted(calibration: Calibration, rate: float, outage: float, seed: int) -> Seen:
    """The median of several simulated runs."""
    found = [_simulated(calibration, rate, outage, SEEDS * seed + n) for n in range(SEEDS)]
    return Seen(
        *(
            statistics.median(float(getattr(one, name)) for one in found)
            for name in ("p50", "p95", "catching_up", "recovery")
        )
    )


def _simulated(calibration: Calibration, rate: float, outage: float, seed: int) -> Seen:
    begin = 10.0
    back = begin + outage
    up = back + calibration.start
    found = _outcome(calibration.service, rate, up + LONGEST, (begin, up), seed)
    p50, p95 = (1000 * found.percentile(share, 2, begin) for share in (0.5, 0.95))
    at = np.arange(back, up + LONGEST, 0.02)
    lag = found.lag(at).sum(axis=0)
    arrived = sum(np.interp(at, *one) for one in found.arrived)
    return Seen(p50, p95, *_recovery(at, lag, arrived - lag, rate))


def _outcome(
    service: Service, rate: float, seconds: float, away: tuple[float, float], seed: int
) -> Outcome:
    arrivals = Arrivals(np.zeros(1), np.full((1, PARTITIONS), rate / PARTITIONS))
    stage = Stage(service, BATCH, [(*away, range(PARTITIONS))])
    return simulated(arrivals, [stage], partitions=PARTITIONS, seconds=seconds, seed=seed)


def _recovery(at: Floats, lag: Floats, done: Floats, rate: float) -> tuple[float, float]:
    """Effects per second over the middle of the catching up, and when it is over."""
    over = np.flatnonzero(lag <= CAUGHT_UP_SECONDS * rate)
    last = int(over[0]) if len(over) else len(at) - 1
    total = done[last] - done[0]
    low, high = (int(np.searchsorted(done, done[0] + share * total)) for share in (0.2, 0.8))
    speed = (done[high] - done[low]) / max(at[high] - at[low], 0.02)
    return float(speed), float(at[last] - at[0])


async def _run(bench: Bench, pair: Pair, rate: float, outage: float) -> tuple[Seen, Own]:
    """The real run: a steady rate for some seconds, an outage, and the catching up."""
    await pair.empty()
    feeder = Feeder(bench)
    with (
        tempfile.TemporaryDirectory(prefix="hirewire-bench-") as one,
        tempfile.TemporaryDirectory(prefix="hirewire-bench-") as other,
    ):
        feeding: asyncio.Task[None] | None = None
        try:
            async with AsyncExitStack() as stack:
                async with _consumers(bench, pair, Path(one)) as first:
                    workers = await stack.enter_async_context(_consumers(bench, pair, Path(other)))
                    await _go(first)
                    feeding = asyncio.create_task(feeder.pace(rate, 600))
                    await asyncio.sleep(4)
                    await _caught_up(pair, feeder, rate, first[0])
                    begin = feeder.count
                    await asyncio.sleep(8)
                    end = feeder.count - int(rate / 2)
                away = time.time()
                await asyncio.sleep(outage)
                back = time.time()
                await _go(workers)
                await _caught_up(pair, feeder, rate, workers[0])
                feeder.enough = True
                await feeding
                await _drained(pair, feeder, workers[0])
        finally:
            feeder.enough = True
            if feeding is not None:
                await feeding
        noted = [*_batches(Path(one), feeder), *_batches(Path(other), feeder)]
        delays = _delays(Path(one), feeder, begin, end)
    assert await pair.effects() == feeder.count
    commits = np.sort((await _commits(pair))[:, 1])
    at = np.arange(back, commits[-1], 0.02)
    done = np.searchsorted(commits, at, side="right").astype(float)
    times = np.sort(feeder.times)
    fed = np.searchsorted(times, at, side="right").astype(float)
    start = float(commits[np.searchsorted(commits, back)]) - back
    seen = Seen(
        percentile(delays, 0.5), percentile(delays, 0.95), *_recovery(at, fed - done, done, rate)
    )
    real_rate = (len(times) - 1) / (times[-1] - times[0])
    return seen, Own(Calibration(measured(noted), start), real_rate, back - away)


class Feeder:
    """Publishes to the partitions, and knows when the broker confirmed each number."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.times: list[float] = []
        self.enough = False
        self._few = asyncio.Semaphore(8)

    @property
    def count(self) -> int:
        """How many it has published."""
        return len(self.times)

    async def burst(self, count: int) -> None:
        """Publish so many as fast as the broker takes them."""
        for _ in range(0, count, 2000):
            await self._publish(2000)

    async def pace(self, rate: float, seconds: float) -> None:
        """Publish at this rate, in small groups of which several may be on their way."""
        started, begin = time.perf_counter(), self.count
        async with asyncio.TaskGroup() as group:
            while not self.enough and (passed := time.perf_counter() - started) < seconds:
                due = int(passed * rate) - (self.count - begin)
                if due > 0:
                    group.create_task(self._publish(due))
                await asyncio.sleep(TICK_SECONDS)

    async def _publish(self, count: int) -> None:
        begin = self.count
        self.times += [math.nan] * count
        group = [_message(begin + n) for n in range(count)]
        async with self._few:
            while not await self._confirmed(group):
                await asyncio.sleep(0.1)
        self.times[begin : begin + count] = [time.time()] * count

    async def _confirmed(self, group: Sequence[Message]) -> bool:
        """Publish; False if the connection was lost, as on a busy machine."""
        try:
            await self._bench.broker.publish(group)
        except BrokerUnavailable:
            return False
        return True


def _message(number: int) -> Message:
    """The message of this number, as the router would have passed it to its partition."""
    partition = number % KEYS % PARTITIONS
    [made] = messages(1, start=number)
    return replace(
        made,
        headers={**made.headers, ROUTED_AS: made.type},
        via=f"part.{READER}.{partition}.message",
    )


@asynccontextmanager
async def _consumers(bench: Bench, pair: Pair, folder: Path) -> AsyncIterator[list[Worker]]:
    """A loaded consumer for each partition; at the end they write down their batches."""
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(
                bench.worker("clocked", pair, {"partition": n, "to": str(folder / f"{n}.json")})
            )
            for n in range(PARTITIONS)
        ]
        yield workers
        for one in workers:
            one.enough()
            await one.result()


async def _go(workers: Sequence[Worker]) -> None:
    for one in workers:
        await one.go()


async def _drained(pair: Pair, feeder: Feeder, running: Worker) -> None:
    async def committed() -> bool:
        return bool(await pair.reader.fetchval("select count(*) from note") >= feeder.count)

    await until(committed, running, every=0.1)


async def _caught_up(pair: Pair, feeder: Feeder, rate: float, running: Worker) -> None:
    async def near() -> bool:
        done = await pair.reader.fetchval("select count(*) from note")
        return bool(feeder.count - done <= CAUGHT_UP_SECONDS * rate)

    await until(near, running, every=0.2)


async def _commits(pair: Pair) -> Floats:
    rows = await pair.reader.fetch(_COMMITS)
    return np.array([(row["number"], row["at"]) for row in rows], dtype=float)


def _delays(folder: Path, feeder: Feeder, begin: int, end: int) -> list[float]:
    """Milliseconds from the confirm until the consumer knows that the effect is committed.

    Of the numbers in between. PostgreSQL's own time of a commit is before its WAL is flushed.
    """
    return [
        1000 * (done - feeder.times[number])
        for path in sorted(folder.glob("*.json"))
        for numbers, done in json.loads(path.read_text())
        for number in numbers
        if begin <= number < end
    ]
