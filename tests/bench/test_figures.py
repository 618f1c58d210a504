"""How figures are judged and profiles are summed up, and the input of contestants."""

import json
import re
from pathlib import Path

import pytest

from bench import hour, plots, process, profile, worker
from bench.events import messages, noted, page
from bench.measure import Figure, markdown, percentile, ratios
from bench.memory import Formula, Held, Kind, judged


def test_a_median_is_held_to_its_bound() -> None:
    values = [90.0, 110.0, 100.0]
    assert Figure("a", values, "/s", at_least=100).reached is True
    assert Figure("a", values, "/s", at_least=101).reached is False
    assert Figure("a", values, "ms", at_most=100).reached is True
    assert Figure("a", values, "ms", at_most=99).reached is False
    assert Figure("a", values, "ms").reached is None


def test_a_row_has_measurement_and_target() -> None:
    figure = Figure("rate", [12345.6, 9876.0, 20000.0], "/s", at_least=15_000)
    assert figure.row() == ("rate", "12,346 /s (9,876 to 20,000)", "at least 15,000 /s", "no")
    assert Figure("one", [0.834], "×").row() == ("one", "0.83 ×", "", "")


def test_the_markdown_table_has_a_line_for_each_figure() -> None:
    text = markdown("2 rounds", [Figure("rate", [1.0, 3.0], "/s", at_least=2)])
    assert text.splitlines()[-1] == "| rate | 2.00 /s (1.00 to 3.00) | at least 2.00 /s | yes |"
    assert len(text.splitlines()) == 5


def test_ratios_are_of_the_same_round() -> None:
    assert ratios([10, 30], [5, 10]) == [2, 3]


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_are_measured_values(share: float, value: int) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_a_profile_counts_own_time_and_that_of_what_is_called() -> None:
    folded = ["main (a.py:1);work (b.py:5);parse (c.py:9) 6", "main (a.py:1);work (b.py:7) 4"]
    own, cumulative = profile.summary(folded).split("\n\n")
    assert own.splitlines()[1:] == ["  60.0%  parse (c.py)", "  40.0%  work (b.py)"]
    assert cumulative.splitlines()[1:] == [
        " 100.0%  main (a.py)",
        " 100.0%  work (b.py)",
        "  60.0%  parse (c.py)",
    ]


def test_a_function_that_calls_itself_is_counted_once() -> None:
    assert "100.0%  f (a.py)" in profile.summary(["f (a.py:1);f (a.py:2);f (a.py:1) 3"])


@pytest.mark.parametrize("number", [0, 7, 12_345, 10_000_000])
def test_bodies_have_256_bytes(number: int) -> None:
    assert len(noted(number, page(number)).body()) == 256


def test_messages_number_each_key_from_one() -> None:
    made = messages(7, keys=3)
    assert [m.headers["sequence"] for m in made] == ["1", "1", "1", "2", "2", "2", "3"]
    assert [json.loads(m.body)["number"] for m in made] == list(range(7))
    assert made[0].key == made[3].key == made[6].key == str(page(0))


def test_only_workers_can_be_profiled() -> None:
    assert set(profile.WORKERS) <= set(worker.WORKERS)


def test_the_node_packages_are_pinned_by_content_and_name_no_address() -> None:
    lock = json.loads((process.NODE / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    expected = json.loads((process.NODE / "package.json").read_text())["dependencies"]
    for name, version in expected.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for name, entry in packages.items():
        assert re.fullmatch(r"sha512-\S+", entry["integrity"]), name
        assert "resolved" not in entry, name


def test_plots_are_written(tmp_path: Path) -> None:
    plots.rates(tmp_path / "r.png", "rates", {"batched": [10.0, 12.0], "faststream": [1.0, 1.5]})
    plots.delays(tmp_path / "d.png", {"hirewire": [[1.0, 2.0]], "naive": [[3.0], [4.0]]})
    cost = {"record": 1.0, "relay": 2.0, "consume": 3.0}
    plots.growth(tmp_path / "g.png", {10: [cost], 100: [cost]})
    for name in ("r", "d", "g"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_growth_compares_the_second_sixth_with_the_last() -> None:
    hour_long = [(float(second), 100 + min(second, 600) / 10) for second in range(0, 3600, 5)]
    assert hour.grown(hour_long, 3600) == 0
    leaking = [(second, mib + second / 360) for second, mib in hour_long]
    assert hour.grown(leaking, 3600) == pytest.approx(2400 / 360, abs=0.1)


def test_the_formula_covers_all_parts_at_rest_and_one_at_its_peak() -> None:
    arrays: dict[Kind, Held] = {"vacancies": Held(40, 100), "resumes": Held(50, 90)}
    found = judged(1000, 130, arrays, {"vacancies": Held(20, 30)})
    assert found.at_least == 130 + 40 + 50 + 20 + 60
    assert found.reached is False
    mib = 2**20
    assert Formula(100, mib, 2 * mib, merging=0.5, encoder=7).most(10, 20) == 107 + 10 + 40 + 20
