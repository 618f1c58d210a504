"""Runs many histories in several processes, and sums them up."""

import gc
import multiprocessing
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field

from simulate.faults import FAULTS
from simulate.history import Outcome, run
from simulate.patches import installed
from simulate.plan import Plan, draw

SHARE = 50
"""Histories that one process takes at a time."""
COLLECT_EVERY = 20
"""Histories between two collections of garbage."""


@dataclass(frozen=True, slots=True)
class Task:
    """The histories to run."""

    first: int
    count: int
    steps: int = 10
    without: frozenset[str] = frozenset()
    fault: str = ""
    """A known fault that is injected into the core first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A history that failed."""

    seed: int
    plan: Plan
    said: tuple[str, ...]
    kinds: frozenset[str]


@dataclass(slots=True)
class Summary:
    """The results of many histories."""

    histories: int = 0
    steps: int = 0
    seconds: float = 0.0
    virtual_seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def line(self) -> str:
        """The summary in one line."""
        rate = self.histories / max(self.seconds, 1e-9)
        return (
            f"{self.histories} histories, {self.steps} steps and {self.virtual_seconds:.0f} "
            f"virtual seconds in {self.seconds:.1f} s: {rate:.0f} histories/s, "
            f"{len(self.failures)} failed"
        )


def run_share(task: Task) -> Summary:
    """Run some histories in this process."""
    summary = Summary()
    fault = FAULTS[task.fault].put_back() if task.fault else nullcontext()
    with installed(), fault:
        for seed in range(task.first, task.first + task.count):
            if seed % COLLECT_EVERY == 0:
                gc.collect()
            plan = draw(seed, task.steps, task.without)
            outcome = run(plan)
            summary.histories += 1
            summary.steps += outcome.steps
            summary.virtual_seconds += outcome.seconds
            if outcome.faults:
                summary.failures.append(failure_of(seed, outcome))
    return summary


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Collect garbage once for several histories, each of which leaves some thousand objects.

    Older objects are not scanned again, here and in forked processes.
    """
    with installed():  # all of the core is loaded from here on
        gc.collect()
        gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def failure_of(seed: int, outcome: Outcome) -> Failure:
    """What is kept of a failed history."""
    return Failure(seed, outcome.plan, tuple(map(str, outcome.faults)), outcome.kinds)


def assigner(task: Task) -> list[Task]:
    """Split the task into parts."""
    return [
        Task(
            first, min(SHARE, task.first + task.count - first), task.steps, task.without, task.fault
        )
        for first in range(task.first, task.first + task.count, SHARE)
    ]


def run_many(
    task: Task,
    jobs: int,
    *,
    progress: Callable[[Summary], None] = lambda _: None,
    most_failures: int = 10,
) -> Summary:
    """Run all histories of a task; stop early after some failures."""
    total = Summary()
    begun = time.monotonic()
    with _garbage_kept(), closing(_results(assigner(task), jobs)) as results:
        for summary in results:
            total.histories += summary.histories
            total.steps += summary.steps
            total.virtual_seconds += summary.virtual_seconds
            total.failures += summary.failures
            total.seconds = time.monotonic() - begun
            progress(total)
            if len(total.failures) >= most_failures:
                break
    total.failures.sort(key=lambda failure: failure.seed)
    return total


def _results(parts: Sequence[Task], jobs: int) -> Generator[Summary, None, None]:
    if jobs == 1:
        yield from map(run_share, parts)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(run_share, parts)
