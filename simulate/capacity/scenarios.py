"""What goes wrong in a simulated run, and how long it is felt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hirewire.tools.capacity.plan import figures
from simulate.capacity.queueing import Arrivals, Outcome, Stage, run
from simulate.capacity.service import Floats, Service

BATCH = 500
"""HIREWIRE_BATCH_SIZE."""
CONSUMER_RATE = figures()["consumer_rate"].value
"""What one consumer handles in full batches, in events per second."""
RELAY_SPEED = figures()["relay_rate"].value / CONSUMER_RATE
"""A relay, compared with a consumer."""
BEGIN = 20.0
"""Seconds of peace before the failure."""
STEP = 0.1
"""Seconds between two looks at the lag."""
LONG = 1.0
"""A failure is felt while any message has waited for so many seconds."""


@dataclass(frozen=True)
class Load:
    """The whole of the run."""

    rate: float
    """Messages per second, over all partitions."""
    partitions: int
    seconds: float
    seed: int


@dataclass(frozen=True)
class Scenario:
    """One failure. Times are in seconds; what they follow from is in `why`."""

    name: str
    what: str
    why: str
    consumers_away: float = 0.0
    relays_away: float = 0.0
    share: float = 1.0
    """Of the partitions whose servers are away."""
    times: int = 1
    """How often they go away, one after the other."""
    burst: float = 1.0
    """How many times as many messages arrive in `lasting` seconds …"""
    lasting: float = 0.0
    only_one: bool = False
    """… in one partition, or in all."""


SCENARIOS: Sequence[Scenario] = (
    Scenario("calm", "nothing goes wrong", "to compare with"),
    Scenario(
        "a consumer dies",
        "one of four workers freezes; its 50 partitions wait for another one",
        "a frozen holder of partitions is replaced after 20 s of silence (docs/operations.md)",
        consumers_away=20.0,
        share=0.25,
    ),
    Scenario(
        "a broker node dies",
        "the third of the partitions that it led takes no messages and gives none",
        "assumed: 10 s until other nodes lead its queues",
        consumers_away=10.0,
        relays_away=10.0,
        share=1 / 3,
    ),
    Scenario(
        "the database fails over",
        "no consumer can commit",
        "assumed: 30 s until a standby is promoted and connected to",
        consumers_away=30.0,
    ),
    Scenario(
        "a hot key",
        "one partition gets three times its messages for 30 s; a key cannot be divided",
        "assumed",
        burst=3.0,
        lasting=30.0,
        only_one=True,
    ),
    Scenario(
        "a poison message",
        "a message kills the process of one partition six times, and is a dead letter then",
        "six deaths (docs/architecture.md); assumed: 3 s until it is started again",
        consumers_away=3.0,
        share=0.0,
        times=6,
    ),
    Scenario(
        "a burst",
        "five times as many messages everywhere for 10 s",
        "assumed",
        burst=5.0,
        lasting=10.0,
    ),
)


@dataclass(frozen=True)
class Felt:
    """What a scenario did."""

    scenario: Scenario
    at: Floats
    """Seconds since the start."""
    lag: Floats
    """Messages that have no effect yet, in all partitions, at these times."""
    most: float
    """The highest lag."""
    oldest: float
    """How long the oldest message waited at most, in seconds."""
    p95: float
    """Seconds from arrival to effect, from the failure to the end."""
    recovery: float
    """Seconds from the end of the failure until no message waits for more than a second; infinite
    if some still did at the end."""


def play(scenario: Scenario, load: Load, service: Service) -> Felt:
    """Run one scenario."""
    hit = range(max(1, round(scenario.share * load.partitions)))
    stages = [
        Stage(service.scaled(RELAY_SPEED), BATCH, _windows(scenario, scenario.relays_away, hit)),
        Stage(service, BATCH, _windows(scenario, scenario.consumers_away, hit)),
    ]
    found = run(
        _arrivals(scenario, load),
        stages,
        partitions=load.partitions,
        seconds=load.seconds,
        seed=load.seed,
    )
    return _felt(scenario, load, found)


def _windows(
    scenario: Scenario, away: float, hit: Sequence[int]
) -> Sequence[tuple[float, float, Sequence[int]]]:
    if not away:
        return ()
    starts = [BEGIN + nth * away for nth in range(scenario.times)]
    return [(start, start + away, hit) for start in starts]


def _arrivals(scenario: Scenario, load: Load) -> Arrivals:
    usual = np.full(load.partitions, load.rate / load.partitions)
    more = usual.copy()
    more[: 1 if scenario.only_one else load.partitions] *= scenario.burst
    since = [0.0, BEGIN, BEGIN + max(scenario.lasting, STEP)]
    return Arrivals(np.array(since), np.array([usual, more, usual]))


def ends(scenario: Scenario) -> float:
    """When the failure is over."""
    away = max(scenario.consumers_away, scenario.relays_away)
    return BEGIN + max(scenario.lasting, scenario.times * away)


def _felt(scenario: Scenario, load: Load, found: Outcome) -> Felt:
    at = np.arange(1.0, load.seconds - 1.0, STEP)
    lag, oldest = found.lag(at), found.age(at).max(axis=0)
    end = ends(scenario)
    late = np.flatnonzero((oldest > LONG) & (at >= end))
    last = float(at[late[-1]]) if len(late) else end
    return Felt(
        scenario=scenario,
        at=at,
        lag=lag.sum(axis=0),
        most=float(lag.sum(axis=0).max()),
        oldest=float(oldest.max()),
        p95=found.percentile(0.95, BEGIN, load.seconds),
        recovery=float("inf") if last >= at[-1] - STEP else last - end,
    )
