"""`./dev mutate [--list] [--only NAME|FILE]… [--tenth N|auto] [--jobs N] [--journal FILE]
[--seconds N] [--write]`.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

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
from mutate.runner import (
    MOST_SECONDS,
    WORKERS,
    BaselineFailed,
    Verdict,
    check_baseline,
    judge_all,
    workers,
)
from mutate.tree import ROOT


def main() -> int:
    """Run from the command line; the exit code is 1 when a mutant survives or does not apply."""
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the mutants")
    parser.add_argument(
        "--only", action="append", metavar="NAME|FILE", help="a mutant or a file; repeatable"
    )
    parser.add_argument(
        "--tenth",
        metavar="N|auto",
        help="every tenth mutant, from the Nth on; auto: by the day of the year",
    )
    parser.add_argument(
        "--skip-baseline", action="store_true", help="do not run the tests without mutants first"
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="record which tests noticed a mutant, to run them first",
    )
    parser.add_argument(
        "--seconds", type=float, default=MOST_SECONDS, help="time limit of one mutant (60)"
    )
    parser.add_argument("--jobs", type=int, default=WORKERS, help="mutants tested at a time (2)")
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="append each verdict; skip mutants killed there, run survivors last",
    )
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    try:
        mutants = with_first(load())
        mutants = chosen(mutants, given.only) if given.only else mutants
    except ValueError as error:
        parser.error(str(error))
    if given.tenth is not None:
        number = _tenth_of(given.tenth, parser)
        mutants = tenth(mutants, number)
        print(f"tenth {number}: {len(mutants)} mutants")
    if given.list:
        for mutant in mutants:
            print(f"{mutant.name:<52} {mutant.file}\n    {mutant.why}")
        return 0
    if given.journal is not None and given.journal.exists():
        known = judged(given.journal)
        mutants = [one for one in mutants if not known.get(one.name)]
        mutants.sort(key=lambda one: (one.name in known, one.first is None))  # fast ones first
    if not _all_apply(mutants):
        return 1
    return asyncio.run(_until_ended(mutants, given))


def _tenth_of(text: str, parser: argparse.ArgumentParser) -> int:
    if text == "auto":
        return datetime.now(UTC).timetuple().tm_yday % 10
    if not text.isdigit() or int(text) > 9:
        parser.error("--tenth: a number from 0 to 9, or auto")
    return int(text)


def _all_apply(mutants: Sequence[Mutant]) -> bool:
    good = True
    for mutant in mutants:
        try:
            mutant.applied_to((ROOT / mutant.file).read_text())
        except (DoesNotApply, OSError) as error:
            print(f"does not apply: {error}", file=sys.stderr)
            good = False
    return good


async def _until_ended(mutants: Sequence[Mutant], given: argparse.Namespace) -> int:
    """Run the mutants, and clean up even if the command is interrupted."""
    running = asyncio.create_task(_run(mutants, given))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        return await running
    except asyncio.CancelledError:
        print("interrupted", file=sys.stderr)
        return 1


async def _run(mutants: Sequence[Mutant], given: argparse.Namespace) -> int:
    started = time.monotonic()
    async with workers(given.jobs, given.seconds) as crew:
        if not given.skip_baseline:
            try:
                await check_baseline(crew, mutants, lambda text: print(text, flush=True))
            except BaselineFailed as error:
                print(error, file=sys.stderr)
                return 1
        verdicts = await judge_all(crew, mutants, lambda verdict: _say(verdict, given))
    survivors = [verdict for verdict in verdicts if verdict.killed_by is None]
    killed = len(verdicts) - len(survivors)
    print(f"killed {killed} of {len(verdicts)} in {time.monotonic() - started:.0f} s")
    for one in survivors:
        print(f"SURVIVED {one.mutant.name} ({one.mutant.file}): {one.mutant.why} {one.note}")
    return 1 if survivors else 0


def _say(verdict: Verdict, given: argparse.Namespace) -> None:
    """Print a verdict and write it to the journal at once, since a long run may be interrupted."""
    name, by = verdict.mutant.name, verdict.killed_by
    said = by or f"SURVIVED {verdict.note}"
    print(f"{verdict.seconds:5.1f} s  {name:<52} {said}", flush=True)
    if given.journal is not None:
        enter(given.journal, name, by, verdict.seconds, verdict.note)
    if given.write and by is not None and "::" in by:
        write_first({name: by}, load())


if __name__ == "__main__":
    sys.exit(main())
