"""One partition, with an event for each message, as textbooks have it: `queueing` is held to it."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from simulate.capacity.queueing import Arrivals, Stage
from simulate.capacity.service import Floats


def delays(
    arrivals: Arrivals, stages: Sequence[Stage], *, seconds: float, seed: int
) -> tuple[Floats, Floats]:
    """When each message was done, and its seconds from arrival to effect."""
    random = np.random.default_rng(seed)
    born = _born(arrivals, seconds, random)
    there = born
    for stage in stages:
        there = _served(there, stage, seconds, random)
    return there, there - born[: len(there)]


def _born(arrivals: Arrivals, seconds: float, random: np.random.Generator) -> Floats:
    """Arrival times, by thinning a process of the highest rate."""
    highest = float(arrivals.rates[:, 0].max())
    times: list[float] = []
    now = 0.0
    while True:
        now += random.exponential(1 / highest)
        if now >= seconds:
            return np.array(times)
        rate = arrivals.rates[int(np.searchsorted(arrivals.since, now, side="right")) - 1, 0]
        if random.random() * highest < rate:
            times.append(now)


def _served(there: Floats, stage: Stage, seconds: float, random: np.random.Generator) -> Floats:
    ends: list[float] = []
    waiting: deque[float] = deque()
    nth, now = 0, 0.0
    while now < seconds:
        for since, until, whose in sorted(stage.outages):
            if 0 in whose and since <= now < until:
                now = until
        while nth < len(there) and there[nth] <= now:
            waiting.append(float(there[nth]))
            nth += 1
        if not waiting:
            if nth == len(there):
                break
            now = float(there[nth])
            continue
        size = min(len(waiting), stage.most)
        end = now + float(stage.service.sample(np.array([float(size)]), random)[0])
        cut = [since for since, _, whose in stage.outages if 0 in whose and now < since < end]
        if cut:
            now = min(cut)
            continue
        for _ in range(size):
            waiting.popleft()
        ends += [end] * size
        now = end
    return np.array(ends)
