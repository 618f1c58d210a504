"""The commands of `./dev simulate`."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

from simulate.faults import FAULTS
from simulate.history import Outcome, run
from simulate.patches import installed
from simulate.plan import Plan, draw, load
from simulate.runner import Failure, Summary, Task, run_many
from simulate.shrink import shrink


def run_one(given: argparse.Namespace, without: frozenset[str]) -> int:
    """Run one history and print it; if it fails, shrink it and print it again."""
    plan = load(given.plan.read_text()) if given.plan else draw(given.seed, given.steps, without)
    fault = FAULTS[given.fault].put_back() if given.fault else nullcontext()
    with installed(), fault:
        outcome = run(plan, trace=True)
        if outcome.faults and not given.no_shrink:
            outcome = run(shrink(plan, outcome.kinds), trace=True)
    show(outcome)
    if outcome.faults and given.keep:
        keep(outcome.plan, given.keep, f"seed-{plan.seed}")
    return int(bool(outcome.faults))


def run_histories(given: argparse.Namespace, without: frozenset[str]) -> int:
    """Run many histories; print the seeds of failing ones, and the first of them shrunk."""
    task = Task(given.first, given.histories, given.steps, without)
    total = run_many(task, given.jobs, progress=_print)
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    last = given.first + total.histories - 1
    print(f"seeds {given.first} to {last}: {total.line()}")
    for failure in total.failures:
        print(f"FAILED seed {failure.seed}: {'; '.join(failure.said[:3])}")
    if total.failures and not given.no_shrink:
        show(made_small(total.failures[0], given.keep))
        print(f"again: ./dev simulate --seed {total.failures[0].seed} --steps {given.steps}")
    return int(bool(total.failures))


def _print(total: Summary) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{total.line()}")


def made_small(failure: Failure, folder: Path | None) -> Outcome:
    """The smallest form of a failing history."""
    with installed():
        outcome = run(shrink(failure.plan, failure.kinds), trace=True)
    if folder is not None:
        keep(outcome.plan, folder, f"seed-{failure.seed}")
    return outcome


def keep(plan: Plan, folder: Path, name: str) -> None:
    """Write a plan to a file, as a permanent regression test."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(plan.dump())
    print(f"kept as {folder / name}.json")


def show(outcome: Outcome) -> None:
    """Print a history in readable form."""
    print("\n".join(outcome.trace))
    print(f"\nbroker {outcome.plan.broker}, seed {outcome.plan.seed}, digest {outcome.digest}")
    for decision in outcome.plan.decisions:
        what = " ".join(
            part
            for part in (
                decision.kind,
                decision.target,
                decision.detail,
                f"nth {decision.nth}" if decision.nth else "",
                " ".join(f"{type} {key} ({how})" for type, key, how in decision.events),
            )
            if part
        )
        print(f"  {decision.at:8.4f} {what}")
    print(f"{outcome.steps} steps, {outcome.seconds:.3f} s of virtual time")
    for fault in outcome.faults:
        print(f"FAILED {fault}")
    if not outcome.faults:
        print("all well")


def find_fault(given: argparse.Namespace, without: frozenset[str]) -> int:
    """Inject known faults one after the other, and count the histories until each is found."""
    names = list(FAULTS) if given.fault == "all" else given.fault.split(",")
    missed = 0
    for name in names:
        task = Task(given.first, given.histories, given.steps, without, name)
        total = run_many(task, given.jobs, most_failures=1)
        if total.failures:
            first = total.failures[0]
            number = first.seed - given.first + 1
            print(f"{name}: found by history {number}: {first.said[0]}", flush=True)
        else:
            missed += 1
            print(f"{name}: NOT FOUND by {total.histories} histories", flush=True)
    return int(bool(missed))
