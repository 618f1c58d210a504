"""Runs each mutant's tests in private copies of the project, one mutant at a time in each."""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mutate.catalogue import Mutant
from mutate.engines import engines
from mutate.nursery import Nursery
from mutate.tree import Tree

WORKERS = 2
MOST_SECONDS = 60.0
"""The time limit of a mutant: one that no test notices by then has survived."""
TEST_SECONDS = 20
"""The time limit of one test."""
ENDED_SECONDS = TEST_SECONDS * 1.5
"""When a test is ended that has caught its own timeout, as asyncio does within a callback."""
WELL_WITHIN = TEST_SECONDS / 2
"""A test that times out has noticed a mutant only if it takes less than this without it."""
BASELINE_SECONDS = 600.0

PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout")
"""The plugins that the core's tests need; loading the others takes most of a short run."""

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - (.*))?$", re.MULTILINE)
_OUT_OF_TIME = re.compile(r"Timeout \(?>")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one mutant."""

    mutant: Mutant
    killed_by: str | None
    """The test that failed; None if none did."""
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of one run of pytest."""

    tests: Sequence[str]
    passed: bool
    failed: str | None
    """The first test that failed."""
    hung: bool
    seconds: float
    output: str


class BaselineFailed(Exception):
    """The tests fail without any mutant, so they prove nothing about one."""


class Worker:
    """A copy of the project, and the address of the engines for its tests."""

    def __init__(
        self, tree: Tree, environment: Mapping[str, str], most_seconds: float = MOST_SECONDS
    ) -> None:
        self.tree = tree
        self.nursery = Nursery(tree.folder, {**_inherited(), **environment})
        self.most_seconds = most_seconds
        self.green: set[str] = set()
        """Tests that are known to pass without a mutant."""

    async def test(self, tests: Sequence[str], within: float, *, template: str = "same") -> Ran:
        """Run these tests until one fails. Runs with one `template` share a migrated database."""
        arguments = ["-x", "-q", "-rfE", "-o", "addopts=", "-p", "no:cacheprovider", *PLUGINS]
        arguments += ["-o", "faulthandler_exit_on_timeout=true"]
        arguments += ["-o", f"faulthandler_timeout={ENDED_SECONDS}"]
        arguments += [f"--timeout={TEST_SECONDS}", *tests]
        started = time.monotonic()
        code, output = await self.nursery.run(
            arguments, {"HIREWIRE_TEST_TEMPLATE": template}, within
        )
        found = _FAILED.search(output) if code is not None else None
        return Ran(
            tests=tests,
            passed=code == 0,
            failed=found[1] if found else None,
            hung=code is None or bool(found and _OUT_OF_TIME.search(found[2] or "")),
            seconds=time.monotonic() - started,
            output=output,
        )

    async def _test_groups(self, mutant: Mutant, template: str) -> Ran:
        """Run the mutant's tests until one fails. The time limit is for all groups together."""
        started = time.monotonic()
        for tests in mutant.in_order():
            left = self.most_seconds - (time.monotonic() - started)
            ran = await self.test(tests, left, template=template)
            if not ran.passed:
                break
        return replace(ran, seconds=time.monotonic() - started)

    async def judge(self, mutant: Mutant) -> Verdict:
        """Apply one mutant, and see which of its tests fails."""
        self.tree.apply(mutant)
        migrates = "/migrations/" in mutant.file
        try:
            ran = await self._test_groups(mutant, mutant.name if migrates else "same")
        finally:
            self.tree.restore(mutant)
        if ran.passed:
            return Verdict(mutant, None, ran.seconds)
        if ran.failed is None and ran.hung:
            return Verdict(mutant, None, ran.seconds, "no test failed within the time limit")
        if ran.failed is None or ran.hung or ran.failed not in self.green:
            again = await self.test([ran.failed] if ran.failed else ran.tests, BASELINE_SECONDS)
            if not again.passed:
                what = ran.failed or "pytest"
                return Verdict(mutant, None, ran.seconds, f"{what} fails without it too")
            if ran.hung and again.seconds > WELL_WITHIN:
                note = f"timeout in {ran.failed}, which takes {again.seconds:.0f} s without it"
                return Verdict(mutant, None, ran.seconds, note)
            self.green |= {ran.failed} if ran.failed else set()
        return Verdict(mutant, ran.failed or "pytest, which it terminated", ran.seconds)


def _inherited() -> dict[str, str]:
    """Our environment without the variables that would lead the tests to the project itself."""
    left_out = ("PYTHONPATH", "PYTEST_", "HIREWIRE_")
    kept = {name: v for name, v in os.environ.items() if not name.startswith(left_out)}
    return kept | {"COLUMNS": "400", "PYTHONSAFEPATH": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@asynccontextmanager
async def workers(count: int, most_seconds: float = MOST_SECONDS) -> AsyncIterator[list[Worker]]:
    """Copies of the project with running engines; everything is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="hirewire-mutate-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the engines may run as other users
        async with engines(folder, count) as environments:
            crew = [
                Worker(Tree(folder / f"tree{number}"), environment, most_seconds)
                for number, environment in enumerate(environments)
            ]
            yield crew
            for worker in crew:
                await worker.nursery.close()


async def check_baseline(
    crew: Sequence[Worker], mutants: Sequence[Mutant], say: Callable[[str], None]
) -> None:
    """Run the tests that must notice these mutants on the unchanged code.

    These are the tests that noticed a mutant last time, and all tests of new mutants. Raises
    `BaselineFailed`.
    """
    known = {mutant.first for mutant in mutants if mutant.first is not None}
    whole = {test for mutant in mutants if mutant.first is None for test in mutant.tests}
    tests = sorted(whole | {test for test in known if test.partition("::")[0] not in whole})
    size = -(-len(tests) // len(crew))
    shares = [tests[number * size : (number + 1) * size] for number in range(len(crew))]
    started = time.monotonic()
    runs = await asyncio.gather(
        *(
            worker.test(share, BASELINE_SECONDS)
            for worker, share in zip(crew, shares, strict=True)
            if share
        )
    )
    for ran in runs:
        if not ran.passed:
            raise BaselineFailed(f"{ran.failed or 'pytest'} fails without a mutant:\n{ran.output}")
    for worker in crew:
        worker.green.update(known)
    say(f"without mutants: {len(tests)} tests and files green, {time.monotonic() - started:.0f} s")


async def judge_all(
    crew: Sequence[Worker], mutants: Sequence[Mutant], say: Callable[[Verdict], None]
) -> list[Verdict]:
    """Judge each mutant; `say` gets each verdict as soon as there is one."""
    waiting = list(reversed(mutants))
    verdicts: list[Verdict] = []

    async def work(worker: Worker) -> None:
        while waiting:
            verdict = await worker.judge(waiting.pop())
            verdicts.append(verdict)
            say(verdict)

    async with asyncio.TaskGroup() as group:
        for worker in crew:
            group.create_task(work(worker))
    return verdicts
