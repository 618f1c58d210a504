"""Runs the tests of each mutant in a private copy of the project, two mutants at a time."""

import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mutate.catalogue import Mutant
from mutate.engines import engines
from mutate.tree import Tree

WORKERS = 2
MOST_SECONDS = 60.0
"""A mutant that no test has noticed by then has survived."""
TEST_SECONDS = 30
"""One test's time limit."""
BASELINE_SECONDS = 600.0

PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout")
"""Those that the core's tests need; loading the others takes most of a short run."""

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - (.*))?$", re.MULTILINE)
_OUT_OF_TIME = re.compile(r"Timeout \(?>")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant."""

    mutant: Mutant
    killed_by: str | None
    """The test that failed; None when none did."""
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of pytest said."""

    passed: bool
    failed: str | None
    """The first test that failed."""
    hung: bool
    seconds: float
    output: str


class BaselineFailed(Exception):
    """The tests fail without any mutant, so they would say nothing about one."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A copy of the project, and where its tests find their engines."""

    tree: Tree
    environment: Mapping[str, str]
    most_seconds: float = MOST_SECONDS
    green: set[str] = field(default_factory=set)
    """Tests that are known to pass without a mutant."""

    async def test(self, tests: Sequence[str], within: float, *, template: str = "same") -> Ran:
        """Run these tests until one fails. Runs of one `template` share a migrated database."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-o", "addopts="]
        command += ["-p", "no:cacheprovider", *PLUGINS, f"--timeout={TEST_SECONDS}", *tests]
        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.tree.folder,
            env={**_inherited(), **self.environment, "HIREWIRE_TEST_TEMPLATE": template},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        out_of_time = False
        try:
            async with asyncio.timeout(within):
                output = (await process.communicate())[0].decode(errors="replace")
        except TimeoutError:
            output, out_of_time = "", True
        finally:
            with suppress(ProcessLookupError):  # with whatever the tests have started
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        found = _FAILED.search(output)
        return Ran(
            passed=process.returncode == 0 and not out_of_time,
            failed=found[1] if found else None,
            hung=out_of_time or bool(found and _OUT_OF_TIME.search(found[2] or "")),
            seconds=time.monotonic() - started,
            output=output,
        )

    async def judge(self, mutant: Mutant) -> Verdict:
        """Apply one mutant, and see which of its tests fails."""
        self.tree.apply(mutant)
        migrates = "/migrations/" in mutant.file
        try:
            tests = [mutant.first, *mutant.tests] if mutant.first else mutant.tests
            ran = await self.test(
                tests, self.most_seconds, template=mutant.name if migrates else "same"
            )
        finally:
            self.tree.restore(mutant)
        if ran.failed and ran.failed not in self.green:
            again = await self.test([ran.failed], self.most_seconds)
            if not again.passed:
                return Verdict(mutant, None, ran.seconds, f"{ran.failed} fails without it too")
            self.green.add(ran.failed)
        if ran.hung and not mutant.may_hang:
            note = f"out of time in {ran.failed or 'its tests'}, which counts only with may_hang"
            return Verdict(mutant, None, ran.seconds, note)
        if ran.hung:
            return Verdict(mutant, ran.failed or "the time limit", ran.seconds)
        if ran.passed:
            return Verdict(mutant, None, ran.seconds)
        return Verdict(mutant, ran.failed or "pytest, which it ended", ran.seconds)


def _inherited() -> dict[str, str]:
    """Our environment without what would lead the tests to the project itself."""
    left_out = ("PYTHONPATH", "PYTEST_", "HIREWIRE_")
    kept = {name: v for name, v in os.environ.items() if not name.startswith(left_out)}
    return kept | {"COLUMNS": "400", "PYTHONSAFEPATH": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@asynccontextmanager
async def workers(most_seconds: float = MOST_SECONDS) -> AsyncIterator[list[Worker]]:
    """Copies of the project with running engines; all of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hirewire-mutate-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the engines may run as users of their own
        async with engines(folder, WORKERS) as environments:
            yield [
                Worker(Tree(folder / f"tree{number}"), environment, most_seconds)
                for number, environment in enumerate(environments)
            ]


async def check_baseline(
    crew: Sequence[Worker], mutants: Sequence[Mutant], say: Callable[[str], None]
) -> None:
    """Run what is to notice these mutants on the code as it is: the tests that did so last, and
    all the tests of those that are new. Raises `BaselineFailed`.
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
    """Judge each mutant; `say` hears each verdict as soon as it is there."""
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
