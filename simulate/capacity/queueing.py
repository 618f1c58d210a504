"""Partitions with servers that take batches: from one batch to the next, all partitions at once.

An event of the simulation is the end of a batch. Arrivals are a Poisson process, whose counts in
disjoint intervals are independent: so they are drawn when a server looks, for the time since it
last looked, and the result has the same distribution as one with an event for each message
(`per_event.py`, and the test that compares them). Partitions are independent of each other but for
outages, which are given; so the nth batch of each of them is one step over arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulate.capacity.service import Floats, Service

Ints = NDArray[np.int64]
POINTS = 4
"""Messages of a batch whose delay is looked up; all of them count as one of these."""


@dataclass(frozen=True)
class Arrivals:
    """Rates in messages per second, each from its time until the next."""

    since: Floats
    """Ascending, from 0, in seconds."""
    rates: Floats
    """By time, and by partition."""

    def expected(self, at: Floats, who: Ints) -> Floats:
        """How many are expected by this time, in each of these partitions."""
        nth = np.searchsorted(self.since, at, side="right") - 1
        found: Floats = self._before[nth, who] + self.rates[nth, who] * (at - self.since[nth])
        return found

    @cached_property
    def _before(self) -> Floats:
        """How many are expected by the time of each rate."""
        grown = np.cumsum(np.diff(self.since)[:, None] * self.rates[:-1], axis=0)
        return np.concatenate([np.zeros((1, self.rates.shape[1])), grown])

    def when(self, count: Floats, at: Floats, who: Ints) -> Floats:
        """The time when this many more than by `at` are expected; infinite if that is never."""
        found = np.full(len(who), np.inf)
        left, begin = count.copy(), at.copy()
        for nth in range(len(self.since)):
            end = self.since[nth + 1] if nth + 1 < len(self.since) else np.inf
            rate = self.rates[nth, who]
            with np.errstate(divide="ignore", invalid="ignore"):
                needed = np.where(rate > 0, begin + left / rate, np.inf)
            now = (begin < end) & np.isinf(found)
            found = np.where(now & (needed <= end), needed, found)
            left = np.where(now & (needed > end), left - rate * (end - begin), left)
            begin = np.where(now, np.maximum(begin, end), begin)
        return found


@dataclass(frozen=True)
class Stage:
    """One server for each partition: a relay, or a consumer."""

    service: Service
    most: int
    """Messages in one batch at most."""
    outages: Sequence[tuple[float, float, Sequence[int]]] = ()
    """From, until, and the partitions whose servers are away: what is in progress is lost, and
    done again."""


class Record:
    """What happened at a point of the way, by partition: times, and how many had passed by then."""

    def __init__(self) -> None:
        self._steps: list[tuple[Ints, Floats, Floats]] = []

    def add(self, who: Ints, at: Floats, count: Floats) -> None:
        """Note the count of these partitions at these times."""
        self._steps.append((who, at, count))

    def by_partition(self, partitions: int) -> list[tuple[Floats, Floats]]:
        """Times and counts of each partition, from 0 at 0."""
        who = np.concatenate([one for one, _, _ in self._steps] or [np.zeros(0, dtype=np.int64)])
        at = np.concatenate([one for _, one, _ in self._steps] or [np.zeros(0)])
        count = np.concatenate([one for _, _, one in self._steps] or [np.zeros(0)])
        order = np.argsort(who, kind="stable")
        bounds = np.searchsorted(who[order], np.arange(partitions + 1))
        pieces = [order[bounds[n] : bounds[n + 1]] for n in range(partitions)]
        return [
            (np.concatenate([[0.0], at[piece]]), np.concatenate([[0.0], count[piece]]))
            for piece in pieces
        ]


Passed = list[tuple[Floats, Floats]]
"""By partition: ascending times, and how many had passed by each."""


@dataclass(frozen=True)
class Outcome:
    """What a run shows."""

    arrived: Passed
    done: Passed
    """By the last stage."""

    def lag(self, at: Floats) -> Floats:
        """Messages that have arrived and are not done, at each of these times, by partition."""
        return np.array(
            [
                np.interp(at, times, counts) - _steps(at, *done)
                for (times, counts), done in zip(self.arrived, self.done, strict=True)
            ]
        )

    def age(self, at: Floats) -> Floats:
        """How long the oldest of them has waited, in seconds, by partition."""
        ages = []
        for (times, counts), done in zip(self.arrived, self.done, strict=True):
            passed = _steps(at, *done)
            oldest = np.interp(passed, counts, times)
            waiting = np.interp(at, times, counts) - passed > 0.5
            ages.append(np.where(waiting, np.maximum(at - oldest, 0.0), 0.0))
        return np.array(ages)

    def delays(self, since: float = 0.0, until: float = np.inf) -> tuple[Floats, Floats]:
        """Seconds from arrival to effect of what was done in this time, with how often each."""
        values, weights = [], []
        for (times, counts), (ends, passed) in zip(self.arrived, self.done, strict=True):
            sizes = np.diff(passed)
            chosen = (ends[1:] >= since) & (ends[1:] < until)
            for nth in range(POINTS):
                place = passed[:-1] + (nth + 0.5) / POINTS * sizes
                values.append((ends[1:] - np.interp(place, counts, times))[chosen])
                weights.append(sizes[chosen] / POINTS)
        return np.concatenate(values), np.concatenate(weights)

    def percentile(self, share: float, since: float = 0.0, until: float = np.inf) -> float:
        """The delay in seconds that this share of the messages does not exceed."""
        values, weights = self.delays(since, until)
        if not len(values):
            return float("nan")
        order = np.argsort(values)
        summed = np.cumsum(weights[order])
        return float(values[order][np.searchsorted(summed, share * summed[-1])])


def _steps(at: Floats, times: Floats, counts: Floats) -> Floats:
    found: Floats = counts[np.searchsorted(times, at, side="right") - 1]
    return found


def run(
    arrivals: Arrivals, stages: Sequence[Stage], *, partitions: int, seconds: float, seed: int
) -> Outcome:
    """Let messages arrive and pass the stages, one after the other, for so many seconds."""
    random = np.random.default_rng(seed)
    arrived, done = _served(_Source(arrivals, random), stages[0], partitions, seconds, random)
    for stage in stages[1:]:
        _, done = _served(_Before(done), stage, partitions, seconds, random)
    return Outcome(arrived, done)


class _Source:
    """Messages that arrive as a Poisson process."""

    def __init__(self, arrivals: Arrivals, random: np.random.Generator) -> None:
        self._arrivals = arrivals
        self._random = random
        self._expected: Floats = np.zeros(arrivals.rates.shape[1])
        self._count: Floats = np.zeros(arrivals.rates.shape[1])

    def by(self, at: Floats, who: Ints) -> Floats:
        """How many have arrived by now; asked with rising times."""
        expected = self._arrivals.expected(at, who)
        more = self._random.poisson(np.maximum(expected - self._expected[who], 0.0))
        self._expected[who] = expected
        self._count[who] += more
        return self._count[who]

    def next(self, at: Floats, who: Ints) -> Floats:
        """When the next one arrives; it has arrived then."""
        found = self._arrivals.when(self._random.exponential(size=len(who)), at, who)
        comes = np.isfinite(found)
        self._expected[who[comes]] = self._arrivals.expected(found[comes], who[comes])
        self._count[who] += comes
        return found


class _Before:
    """Messages that come from the stage before."""

    def __init__(self, done: Passed) -> None:
        longest = max(len(times) for times, _ in done) + 1
        self._times = np.full((len(done), longest), np.inf)
        self._counts = np.zeros((len(done), longest))
        for nth, (times, counts) in enumerate(done):
            self._times[nth, : len(times)] = times
            self._counts[nth, : len(counts)] = counts
        self._place: Ints = np.zeros(len(done), dtype=np.int64)

    def by(self, at: Floats, who: Ints) -> Floats:
        """How many have arrived by now; asked with rising times."""
        while True:
            behind = self._times[who, self._place[who] + 1] <= at
            if not behind.any():
                return self._counts[who, self._place[who]]
            self._place[who[behind]] += 1

    def next(self, at: Floats, who: Ints) -> Floats:
        """When the next ones arrive."""
        del at
        return self._times[who, self._place[who] + 1]


def _served(
    source: _Source | _Before,
    stage: Stage,
    partitions: int,
    seconds: float,
    random: np.random.Generator,
) -> tuple[Passed, Passed]:
    """What has arrived when the servers looked, and what they have done."""
    clock: Floats = np.zeros(partitions)
    served: Floats = np.zeros(partitions)
    arrived, done = Record(), Record()
    begins, ends = _windows(stage, partitions)
    always = not stage.outages
    who: Ints = np.arange(partitions)
    while len(who):
        now = clock[who] if always else _up(clock[who], begins[who], ends[who])
        there = source.by(now, who)
        idle = there <= served[who]
        if idle.any():
            coming = source.next(now[idle], who[idle])
            now[idle] = coming
            clock[who] = now
            lives = np.isfinite(coming) & (coming < seconds)
            arrived.add(who[idle][lives], coming[lives], served[who[idle][lives]] + 1)
        busy = who[~idle]
        if len(busy):
            started = now[~idle]
            arrived.add(busy, started, there[~idle])
            sizes = np.minimum(there[~idle] - served[busy], float(stage.most))
            finished = started + stage.service.sample(sizes, random)
            if not always:
                cut = np.where(begins[busy] > started[:, None], begins[busy], np.inf).min(axis=1)
                lost = cut < finished
                clock[busy[lost]] = cut[lost]
                busy, sizes, finished = busy[~lost], sizes[~lost], finished[~lost]
            served[busy] += sizes
            done.add(busy, finished, served[busy])
            clock[busy] = finished
        who = who[clock[who] < seconds]
    return arrived.by_partition(partitions), done.by_partition(partitions)


def _windows(stage: Stage, partitions: int) -> tuple[Floats, Floats]:
    """When the servers of each partition go away, and come back; infinite where there is none."""
    most = max(len(stage.outages), 1)
    begins = np.full((partitions, most), np.inf)
    ends = np.full((partitions, most), np.inf)
    for nth, (since, until, whose) in enumerate(stage.outages):
        begins[list(whose), nth] = since
        ends[list(whose), nth] = until
    return begins, ends


def _up(now: Floats, begins: Floats, ends: Floats) -> Floats:
    """The first time from now on at which the servers are there."""
    found = now.copy()
    for nth in np.argsort(begins.min(axis=0)) if len(begins) else ():
        away = (found >= begins[:, nth]) & (found < ends[:, nth])
        found = np.where(away, ends[:, nth], found)
    return found
