"""The capacity model: dimensions, monotony, its figures, what is refused, and its document."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from rich.console import Console
from typer.testing import CliRunner

from hirewire import assembly
from hirewire.cli import main
from hirewire.kit.settings import Settings, SettingsError
from hirewire.tools.capacity.formulas import computed, names_in
from hirewire.tools.capacity.model import INPUTS, LINES, Input
from hirewire.tools.capacity.plan import BadInput, figures, plan_of, planned
from hirewire.tools.capacity.quantities import Quantity, WrongDimension, count_of, unit_of
from hirewire.tools.capacity.report import SIZES, print_plan, summary

ROOT = Path(__file__).resolve().parents[2]
BY_NAME = {one.name: one for one in INPUTS}


def boards(count: int) -> Iterator[dict[str, float]]:
    """Boards and machines of all kinds, the same in each run."""
    random = Random(18)
    for _ in range(count):
        yield {
            one.name: max(one.least, min(one.most, _typical(one) * 10 ** random.uniform(-2, 2)))
            for one in INPUTS
        }


def _typical(one: Input) -> float:
    return 15_000.0 if isinstance(one.default, str) else one.default


@pytest.mark.parametrize("one", INPUTS, ids=lambda one: one.name)
def test_more_of_an_input_never_needs_less(one: Input) -> None:
    for board in boards(25):
        more = board | {one.name: min(one.most, board[one.name] * 1.5 + 1e-9)}
        before, after = planned(board), planned(more)
        for line in LINES:
            low, high = before.known[line.name].value, after.known[line.name].value
            room = 1e-9 * max(abs(low), abs(high))
            if one.way == "load":
                assert high >= low - room, f"{line.name} falls from {low} to {high}"
            elif one.way == "relief":
                assert high <= low + room, f"{line.name} rises from {low} to {high}"
            elif line.name == "event_rate":
                assert high <= low + room


def test_every_input_and_figure_counts() -> None:
    used = {name for line in LINES for name in names_in(line.formula)}
    assert used >= set(BY_NAME) | set(figures())
    defined = {*BY_NAME, *figures(), *(line.name for line in LINES)}
    assert len(defined) == len(INPUTS) + len(figures()) + len(LINES)


def test_a_line_has_the_dimension_that_it_says() -> None:
    plan = planned({})
    for line in LINES:
        assert plan.known[line.name].dimensions == unit_of(line.unit).dimensions, line.name


@pytest.mark.parametrize(
    "formula",
    [
        "users + vacancies",
        "event_rate + delivery_rate",
        "max(log_bytes, machines)",
        "relay_time + search_time",
        "cores * peak + memory",
        "vacancies ** search_growth",
    ],
)
def test_what_cannot_be_added_or_compared_is_refused(formula: str) -> None:
    with pytest.raises(WrongDimension):
        computed(formula, planned({}).known)


def test_a_result_is_not_shown_in_another_dimension() -> None:
    assert Quantity.of(2, "GiB/day").as_unit("byte/s") == pytest.approx(2 * 2**30 / 86_400)
    assert Quantity.of(1, "Gbit/s").as_unit("byte/s") == 125e6
    with pytest.raises(WrongDimension):
        Quantity.of(2, "GiB").as_unit("GiB/day")
    with pytest.raises(ValueError, match="no unit 'GB'"):
        unit_of("GB/day")


@pytest.mark.parametrize("text", ["__import__('os')", "users.value", "users if users else users"])
def test_a_formula_is_arithmetic_only(text: str) -> None:
    with pytest.raises(ValueError, match="not a part of a formula"):
        computed(text, planned({}).known)


def test_a_formula_by_hand() -> None:
    """5 M users at 0.1 visits a day and 30 requests, four times as many at the peak."""
    plan = planned({"users": 5e6, "vacancies": 500e3})
    known = {line.name: plan.value(line) for line in LINES}
    assert known["request_peak"] == pytest.approx(5e6 * 0.1 * 30 * 4 / 86_400)
    assert known["match_events"] == pytest.approx(
        2 * 2.8e-4 * (500e3 / 30 * 1.5e6 + 1.5e6 * 0.2 / 365 * 500e3)
    )
    gigabytes = (240 + 130) / 1024 + (500e3 * 460 + 1.5e6 * 590 * 2.95) / 2**30
    assert known["matcher_memory"] == pytest.approx(gigabytes)
    assert known["machines"] == (
        known["service_machines"] + known["database_machines"] + known["broker_machines"]
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("50M", 50e6), ("1.5k", 1500), ("20,000", 20_000), ("2b", 2e9), (".5", 0.5), ("20_000", 2e4)],
)
def test_numbers_as_people_write_them(text: str, number: float) -> None:
    assert count_of(text) == number


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"users": "many"}, "users (user): not a number such as"),
        ({"users": "-5"}, "users (user): not a number"),
        ({"users": "nan"}, "users (user): not a number"),
        ({"users": "1e999"}, "users (user): not a number"),
        ({"users": "5Q"}, "users (user): not a number"),
        ({"users": "2,00"}, "users (user): not a number"),
        ({"users": "0"}, "users: 0 is not between 1 and 1e+10 user"),
        ({"utilisation": "1.2"}, "utilisation: 1.2 is not between 0.05 and 1 share"),
        ({"people": "5"}, "no input 'people': one of applications, copies"),
    ],
)
def test_bad_input_is_named(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        plan_of(given)
    assert message in str(caught.value)


def test_deliveries_are_those_of_the_subscriptions() -> None:
    listening = {event: set(names) for event, names in assembly.subscribers().items()}
    counts = {event: len(names) for event, names in listening.items()}
    given = {name: one.value for name, one in figures().items()}
    assert given["deliveries_of_users"] == (
        (counts["user.registered"] + counts["user.email_verified"]) / 2
    )
    assert given["deliveries_of_sessions"] == counts["session.ended"]
    assert given["deliveries_of_resumes"] == counts["resume.updated"]
    of_vacancies = {counts[f"vacancy.{way}"] for way in ("published", "updated", "closed")}
    assert of_vacancies == {given["deliveries_of_vacancies"]}
    assert (
        given["deliveries_of_applications"]
        == (
            counts["application.submitted"]
            + 2 * counts["application.stage_changed"]
            + 2 * counts["application.message_sent"]
        )
        / given["events_per_application"]
    )
    assert given["deliveries_of_matches"] == counts["recommendation.created"]
    assert "notice.created" not in listening
    assert given["other_services"] == len(assembly.SERVICES) - 1
    with pytest.raises(SettingsError, match="1 to 64 partitions"):
        assembly.load_settings({"HIREWIRE_PARTITIONS": "auth=65"})
    assert given["most_partitions"] == 64
    assert Settings.model_fields["retention_days"].default == BY_NAME["retention"].default


def test_figures_are_those_of_their_sources() -> None:
    """Each value of a table stands in it; the table may be of a later run than its copy here."""
    for name, one in figures().items():
        file, _, rest = one.source.partition(", ")
        if not file.startswith("docs/bench/") or "log10" in rest or not rest:
            continue
        assert re.match(r"\d{4}-\d\d-\d\d: ", rest), f"{name}: no date"
        row = re.split(r":|, ", rest[12:])[0]
        assert row in (ROOT / file).read_text(), f"{name}: no row {row!r}"
    stored = (ROOT / "docs/bench/table-storage.md").read_text()
    assert f"| a user in auth | {figures()['user_in_auth'].value:,.0f} bytes |" in stored


def test_the_document_has_the_table_that_is_computed() -> None:
    assert summary() in (ROOT / "docs" / "capacity.md").read_text()


def test_the_output_has_every_formula_and_input() -> None:
    text = shown("as hh.ru")
    assert all(f"= {line.formula}" in text for line in LINES)
    assert all(one.what in text for one in INPUTS)
    assert "Beyond a limit: relay_limit" in text
    assert "extrapolated" in text
    assert "Beyond" not in shown("a small town")


def shown(size: str) -> str:
    file = StringIO()
    print_plan(planned(SIZES[size]), Console(width=100, file=file))
    return file.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--users", "x"], "users (user): not a number"),
        (["--set", "cores"], "--set: not NAME=VALUE: 'cores'"),
        (["--users", "5", "--set", "users=6"], "--set: users is given twice"),
    ],
)
def test_the_command_refuses(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(main.app, ["plan", *arguments])
    assert (done.exit_code, message in done.output) == (2, True), done.output


def test_the_command_plans() -> None:
    done = CliRunner().invoke(main.app, ["plan", "--users", "5M", "--set", "cores=32"])
    assert done.exit_code == 0
    assert "cores         32 core/machine" in done.output
