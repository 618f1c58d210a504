"""The list of mutants is alive, the tool sees what survives, and what it runs is a copy."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mutate.catalogue import (
    DoesNotApply,
    Mutant,
    chosen,
    load,
    tenth,
    with_first,
    write_first,
)
from mutate.runner import Worker, judge_all
from mutate.tree import ROOT, Tree

MUTANTS = load()


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 60


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_every_mutant_applies_and_compiles(mutant: Mutant) -> None:
    """After a refactoring: bring `mutate/mutants/` up to date, with the same fault in new words."""
    mutant.applied_to((ROOT / mutant.file).read_text())


def test_every_mutant_has_tests_that_are_there() -> None:
    for test in {test for mutant in MUTANTS for test in mutant.tests}:
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text()


def test_ten_tenths_are_all() -> None:
    names = [mutant.name for number in range(10) for mutant in tenth(MUTANTS, number)]
    assert sorted(names) == sorted(mutant.name for mutant in MUTANTS)


def test_some_can_be_chosen_by_name_and_by_file() -> None:
    assert chosen(MUTANTS, [MUTANTS[0].name]) == [MUTANTS[0]]
    of_relay = chosen(MUTANTS, ["relay"])
    assert of_relay
    assert {m.file for m in of_relay} == {"src/hirewire/messaging/relay.py"}
    with pytest.raises(ValueError, match="no mutant"):
        chosen(MUTANTS, ["nothing.py"])


def mutant(old: str, new: str, *, may_hang: bool = False) -> Mutant:
    tests = ("tests/test_it.py",)
    return Mutant("m", "src/it.py", old, new, "a test of the tool", tests, may_hang)


SOURCE = "def two() -> int:\n    return 2  # not 3\n"
TEST = """
import pytest
from it import two

@pytest.mark.timeout(2)
def test_two() -> None:
    assert two() == 2
"""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("nothing of it", "x", "0 times"),
        ("o", "0", "2 times"),
        ("return 2", "return (", "never closed"),
        ("return 2", "return 2", "changes nothing"),
    ],
)
def test_a_mutant_that_does_not_apply_is_named(old: str, new: str, what: str) -> None:
    with pytest.raises(DoesNotApply, match=f"^m: .*({what})"):
        mutant(old, new).applied_to(SOURCE)


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    """A worker with a tiny project of its own in place of this one."""
    root = tmp_path / "root"
    for part in ("src", "tests"):
        (root / part).mkdir(parents=True)
    (root / "src" / "it.py").write_text(SOURCE)
    (root / "tests" / "test_it.py").write_text(TEST)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["src"]\n')
    (tmp_path / "tree").mkdir()
    tree = Tree(tmp_path / "tree", root)
    yield Worker(tree, {})
    assert (root / "src" / "it.py").read_text() == SOURCE
    assert (tmp_path / "tree" / "src" / "it.py").read_text() == SOURCE


async def test_the_killed_the_surviving_and_the_hanging_are_told_apart(worker: Worker) -> None:
    wrong = mutant("return 2", "return 3")
    right = mutant("not 3", "not 4")
    hangs = mutant("return 2", "while True: 2")
    may_hang = mutant("return 2", "while True: 2", may_hang=True)
    verdicts = await judge_all([worker], [wrong, right, hangs, may_hang], lambda _: None)
    assert [one.killed_by for one in verdicts] == [
        "tests/test_it.py::test_two",
        None,
        None,
        "tests/test_it.py::test_two",
    ]
    assert "out of time" in verdicts[2].note


async def test_a_test_that_fails_anyway_notices_nothing(worker: Worker, tmp_path: Path) -> None:
    for test in (tmp_path / "tree" / "tests").glob("*.py"):
        test.write_text(TEST + "\n\ndef test_always() -> None:\n    assert not two()\n")
    verdict = await worker.judge(mutant("not 3", "not 4"))
    assert verdict.killed_by is None
    assert "fails without it too" in verdict.note


def test_the_test_that_noticed_last_runs_first(tmp_path: Path) -> None:
    known, other = mutant("return 2", "return 3"), replace(mutant("2", "4"), name="other")
    path = tmp_path / "noticed.json"
    assert with_first([known], path)[0].first is None
    write_first({"m": "tests/test_it.py::test_two", "gone": "tests/x.py::y"}, [known, other], path)
    write_first({"other": "tests/elsewhere.py::z"}, [known, other], path)
    assert [one.first for one in with_first([known, other], path)] == [
        "tests/test_it.py::test_two",
        None,  # it is none of its tests
    ]
    assert "gone" not in path.read_text()


async def test_a_mutant_of_the_same_length_is_not_taken_for_the_original(worker: Worker) -> None:
    """Python compares the time, in seconds, and the size of a source: neither changes here."""
    assert (await worker.test(["tests/test_it.py"], 60)).passed
    verdict = await worker.judge(mutant("return 2", "return 3"))
    assert verdict.killed_by == "tests/test_it.py::test_two"
    assert (await worker.test(["tests/test_it.py"], 60)).passed


def test_the_command_lists() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mutate", "--list", "--only", "relay.py"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "relay-two-publish-at-once" in done.stdout
    assert "outbox-" not in done.stdout
