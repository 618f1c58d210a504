"""All mutants apply, the tool finds survivors, and it works on a copy."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mutate import runner
from mutate.catalogue import (
    DoesNotApply,
    Mutant,
    chosen,
    load,
    tenth,
    with_first,
    write_first,
)
from mutate.journal import enter, judged
from mutate.runner import Worker, judge_all
from mutate.tree import ROOT, Tree

MUTANTS = load()


def test_there_are_enough_mutants() -> None:
    assert len(MUTANTS) >= 60


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_every_mutant_applies_and_compiles(mutant: Mutant) -> None:
    """After a refactoring, update `mutate/mutants/` with the same fault in the new code."""
    mutant.applied_to((ROOT / mutant.file).read_text())


def test_no_mutant_uses_an_undefined_name(tmp_path: Path) -> None:
    """A test would notice the undefined name instead of the fault."""
    known = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"\w+", path.read_text())
    }
    members = re.compile(r"\b(?:self|batch|session|tx)\.(\w+)")
    unknown = [
        (mutant.name, name)
        for mutant in MUTANTS
        for name in members.findall(mutant.new)
        if name not in known
    ]
    for nth, mutant in enumerate(MUTANTS):
        mutated = mutant.applied_to((ROOT / mutant.file).read_text())
        (tmp_path / f"{nth}.py").write_text(f"{mutated}\n# {mutant.name}\n")
    rules = "--select=F821,F823"
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", rules, str(tmp_path)]
    found = subprocess.run(ruff, check=False, capture_output=True, text=True)
    assert (unknown, found.returncode) == ([], 0), found.stdout


def test_the_tests_of_every_mutant_exist() -> None:
    for test in {test for mutant in MUTANTS for test in mutant.tests}:
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text()


def test_ten_tenths_cover_all_mutants() -> None:
    names = [mutant.name for number in range(10) for mutant in tenth(MUTANTS, number)]
    assert sorted(names) == sorted(mutant.name for mutant in MUTANTS)


def test_mutants_can_be_chosen_by_name_and_by_file() -> None:
    assert chosen(MUTANTS, [MUTANTS[0].name]) == [MUTANTS[0]]
    of_relay = chosen(MUTANTS, ["relay"])
    assert of_relay
    assert {m.file for m in of_relay} == {"src/hirewire/messaging/publishing/relay.py"}
    with pytest.raises(ValueError, match="no mutant"):
        chosen(MUTANTS, ["nothing.py"])


def mutant(old: str, new: str) -> Mutant:
    return Mutant("m", "src/it.py", old, new, "a test of the tool", ("tests/test_it.py",))


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
    """A worker with a tiny project instead of this one."""
    root = tmp_path / "root"
    for part in ("src", "tests"):
        (root / part).mkdir(parents=True)
    (root / "src" / "it.py").write_text(SOURCE)
    (root / "tests" / "test_it.py").write_text(TEST)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["src"]\n')
    (tmp_path / "tree").mkdir()
    tree = Tree(tmp_path / "tree", root)
    made = Worker(tree, {})
    yield made
    await made.nursery.close()
    assert (root / "src" / "it.py").read_text() == SOURCE
    assert (tmp_path / "tree" / "src" / "it.py").read_text() == SOURCE


async def test_killed_surviving_and_hanging_mutants_are_distinguished(worker: Worker) -> None:
    wrong = mutant("return 2", "return 3")
    right = mutant("not 3", "not 4")
    hangs = mutant("return 2", "while True: 2")
    verdicts = await judge_all([worker], [wrong, right, hangs], lambda _: None)
    noticed = "tests/test_it.py::test_two"
    assert [one.killed_by for one in verdicts] == [noticed, None, noticed]


async def test_a_test_whose_timeout_is_lost_is_ended(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As asyncio loses one that is raised within a callback."""
    monkeypatch.setattr(runner, "ENDED_SECONDS", 3.0)
    hangs = "import signal\\nsignal.setitimer(signal.ITIMER_REAL, 0)\\nwhile True: 2"
    verdict = await worker.judge(mutant("return 2", f"exec('{hangs}')"))
    assert verdict.killed_by == "pytest, which it terminated"


async def test_a_timeout_counts_only_for_a_test_that_is_quick_without_the_mutant(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "WELL_WITHIN", 0.0)
    hanging = await worker.judge(mutant("return 2", "while True: 2"))
    assert hanging.killed_by is None
    assert "timeout in tests/test_it.py::test_two" in hanging.note
    worker.most_seconds = 1.0
    unnoticed = await worker.judge(mutant("return 2", "while True: 2"))
    assert unnoticed.killed_by is None
    assert "no test failed within the time" in unnoticed.note


async def test_a_test_that_fails_anyway_notices_no_mutant(worker: Worker, tmp_path: Path) -> None:
    for test in (tmp_path / "tree" / "tests").glob("*.py"):
        test.write_text(TEST + "\n\ndef test_always() -> None:\n    assert not two()\n")
    verdict = await worker.judge(mutant("not 3", "not 4"))
    assert verdict.killed_by is None
    assert "fails without it too" in verdict.note


async def test_a_run_that_cannot_start_notices_no_mutant(worker: Worker) -> None:
    """For example because a test was renamed after it had noticed a mutant."""
    gone = replace(mutant("return 2", "return 3"), tests=("tests/test_it.py::test_gone",))
    verdict = await worker.judge(gone)
    assert verdict.killed_by is None
    assert "fails without it too" in verdict.note
    ends = mutant("def two", "raise SystemExit\n\n\ndef two")
    assert (await worker.judge(ends)).killed_by is not None


def test_the_test_that_noticed_last_runs_first(tmp_path: Path) -> None:
    known, other = mutant("return 2", "return 3"), replace(mutant("2", "4"), name="other")
    path = tmp_path / "noticed.json"
    assert with_first([known], path)[0].first is None
    write_first({"m": "tests/test_it.py::test_two", "gone": "tests/x.py::y"}, [known, other], path)
    write_first({"other": "tests/elsewhere.py::z"}, [known, other], path)
    assert [one.first for one in with_first([known, other], path)] == [
        "tests/test_it.py::test_two",
        None,  # the test is none of this mutant's tests
    ]
    assert "gone" not in path.read_text()


def test_a_mutant_that_no_test_is_known_to_notice_begins_with_those_of_its_file(
    tmp_path: Path,
) -> None:
    others = [replace(mutant("2", "4"), name=name) for name in ("a", "b", "c", "new")]
    path = tmp_path / "noticed.json"
    once, twice = "tests/test_it.py::once", "tests/test_it.py::twice"
    write_first({"a": once, "b": twice, "c": twice}, others, path)
    found = with_first(others, path)
    assert found[0].in_order() == [[once], ("tests/test_it.py",)]
    assert found[3].in_order() == [(twice, once), ("tests/test_it.py",)]


def test_a_run_can_be_continued_by_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    for name, by in (("a", None), ("b", "one"), ("a", "two"), ("b", None), ("c", "three")):
        enter(path, name, by, 1.0)
    assert judged(path) == {"a": True, "b": False, "c": True}


async def test_a_test_that_is_likely_to_notice_runs_before_its_file(
    worker: Worker, tmp_path: Path
) -> None:
    path = tmp_path / "tree" / "tests" / "test_it.py"
    path.write_text(
        "def test_early() -> None:\n    from it import two\n    assert two() == 2\n\n" + TEST
    )
    wrong = mutant("return 2", "return 3")
    assert (await worker.judge(wrong)).killed_by == "tests/test_it.py::test_early"
    known = replace(wrong, first="tests/test_it.py::test_two")
    assert (await worker.judge(known)).killed_by == "tests/test_it.py::test_two"


async def test_a_mutant_of_the_same_length_is_not_taken_for_the_original(worker: Worker) -> None:
    """Python compares the time in seconds and the size of a source: neither changes here."""
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
