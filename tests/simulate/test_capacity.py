"""The simulation of capacity: equal to one with an event for each message, and what failures do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulate.capacity import per_event
from simulate.capacity.__main__ import MEASURED, main
from simulate.capacity.queueing import Arrivals, Stage, run
from simulate.capacity.scenarios import BEGIN, SCENARIOS, Load, play
from simulate.capacity.service import Service, load, measured

SERVICE = Service(
    np.array([1.0, 500.0]), np.array([0.020, 0.050]), np.array([[0.7, 0.9, 1.0, 1.1, 1.3]] * 2)
)
BY_NAME = {one.name: one for one in SCENARIOS}
LOAD = Load(rate=12_000, partitions=4, seconds=60, seed=3)


@pytest.mark.parametrize(
    ("rates", "most", "outages"),
    [
        ([300.0], 500, []),
        ([1500.0], 500, [(3.0, 5.0)]),
        ([300.0], 20, [(3.0, 3.5), (3.6, 4.0)]),
        ([200.0, 3000.0, 50.0], 100, []),
    ],
    ids=["calm", "outage", "small batches", "burst"],
)
def test_batches_as_events_are_equal_to_single_events(
    rates: list[float], most: int, outages: list[tuple[float, float]]
) -> None:
    """Numbers, means and percentiles of delays of many runs; what is left is chance."""
    many = 32
    since = np.array([4.0 * nth for nth in range(len(rates))])
    windows = [(begin, end, range(many)) for begin, end in outages]
    stages = [Stage(SERVICE.scaled(1.2), most), Stage(SERVICE, most, windows)]
    one = Arrivals(since, np.array(rates)[:, None])
    alone = [per_event.delays(one, stages, seconds=12, seed=seed)[1] for seed in range(10)]
    single = np.concatenate(alone)
    batched = run(
        Arrivals(since, np.repeat(np.array(rates)[:, None], many, axis=1)),
        stages,
        partitions=many,
        seconds=12,
        seed=1,
    )
    values, weights = batched.delays()
    for share in (0.1, 0.5, 0.9):
        assert batched.percentile(share) == pytest.approx(np.quantile(single, share), rel=0.06)
    assert np.average(values, weights=weights) == pytest.approx(single.mean(), rel=0.06)
    assert weights.sum() / many == pytest.approx(len(single) / len(alone), rel=0.04)


def test_as_many_arrive_as_the_rates_say() -> None:
    arrivals = Arrivals(np.array([0.0, 2.0, 3.0]), np.repeat([[100.0], [2000.0], [10.0]], 100, 1))
    found = run(arrivals, [Stage(SERVICE, 500)], partitions=100, seconds=6, seed=2)
    counts = np.array([passed[-1] for _, passed in found.done])
    assert counts.mean() == pytest.approx(200 + 2000 + 30, abs=4 * np.sqrt(2230 / 100))
    assert counts.std() == pytest.approx(np.sqrt(2230), rel=0.35)


def test_a_seed_determines_a_run() -> None:
    first, again = (play(BY_NAME["a burst"], LOAD, SERVICE) for _ in range(2))
    other = play(BY_NAME["a burst"], replace(LOAD, seed=4), SERVICE)
    assert np.array_equal(first.lag, again.lag)
    assert not np.array_equal(first.lag, other.lag)


def test_an_outage_by_hand() -> None:
    """30 s without any consumer at 3,000/s a partition, of 10,000/s each: 29 × 3 ÷ 7 to recover."""
    felt = play(BY_NAME["the database fails over"], replace(LOAD, seconds=80), SERVICE)
    assert felt.most == pytest.approx(30 * LOAD.rate, rel=0.03)
    assert felt.oldest == pytest.approx(30, rel=0.03)
    assert felt.recovery == pytest.approx(29 * 3_000 / 7_000, rel=0.1)


def test_failures_are_felt_where_they_are() -> None:
    calm = play(BY_NAME["calm"], LOAD, SERVICE)
    assert calm.recovery == 0
    assert calm.oldest < 1
    hot = play(BY_NAME["a hot key"], replace(LOAD, rate=20_000), SERVICE)
    assert hot.most == pytest.approx(30 * (3 * 5_000 - 10_000), rel=0.1)
    poison = play(BY_NAME["a poison message"], LOAD, SERVICE)
    assert 6 * 3 < poison.oldest < 6 * 3 + 3
    dies = play(BY_NAME["a consumer dies"], LOAD, SERVICE)
    assert dies.most == pytest.approx(20 * 3_000, rel=0.1)
    assert np.abs(dies.lag[dies.at < BEGIN - 1].mean() / calm.lag.mean() - 1) < 0.1


def test_too_much_is_never_recovered() -> None:
    felt = play(BY_NAME["a burst"], replace(LOAD, rate=38_000), SERVICE)
    assert felt.recovery == float("inf")


def test_services_are_measured_saved_and_read(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    batches = [
        (size, float(SERVICE.sample(np.array([float(size)]), random)[0]))
        for size in (1, 5, 20, 100, 500)
        for _ in range(400)
    ]
    found = measured(batches)
    assert found.capacity(500) == pytest.approx(SERVICE.capacity(500), rel=0.05)
    found.save(tmp_path / "found.json", "a test")
    read = load(tmp_path / "found.json")
    assert read.capacity(500) == pytest.approx(found.capacity(500), rel=0.01)
    small, large = (read.sample(np.full(1000, size), random) for size in (1.0, 500.0))
    assert small.std() / small.mean() == pytest.approx(0.2, abs=0.05)
    assert large.mean() == pytest.approx(0.050, rel=0.1)
    with pytest.raises(ValueError, match="too few batches"):
        measured(batches[:3])


def test_the_measured_service_of_the_documents_can_be_read() -> None:
    assert load(MEASURED).capacity(500) > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "many"], "--rate: not a number such as"),
        (["--rate", "900M"], "--rate: not between 1 and 100 M"),
        (["--rate", "5M"], "200 partitions handle 2,149,600/s at most"),
        (["--partitions", "0"], "--partitions: not between 1 and 10000"),
        (["--seconds", "5"], "--seconds: not between 30 and 3600"),
        (["--only", "rain"], "--only: no 'rain': calm, a consumer dies"),
        (["--speed", "0"], "--speed: not between"),
        (["--service", "nowhere.json"], "--service: FileNotFoundError"),
    ],
)
def test_bad_options_are_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_the_table_and_the_plot_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--rate", "4k", "--partitions", "2", "--seconds", "40", "--only", "calm,a burst"]
    main([*common, "--to", str(tmp_path)])
    assert "a burst" in capsys.readouterr().out
    table = (tmp_path / "capacity.md").read_text()
    assert "# Simulated: 4,000 events/s over 2 partitions" in table
    assert (tmp_path / "capacity.svg").read_text().count("a burst") == 1
