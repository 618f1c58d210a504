"""Checks the models: the design keeps its promises, and breaks one without any of its guards.

./dev model             all of them
./dev model Cutover     one specification
./dev model --traces    with the trace into each error
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from model.tlc import NotThere, check, find_jar

MOST_SECONDS = 300.0
PROPERTIES = ("Sent", "Resolves")
"""Temporal properties; all other promises are invariants of single states."""


@dataclass(frozen=True, slots=True)
class Run:
    """One configuration of a specification, and the result that TLC must give."""

    spec: str
    changes: dict[str, str] = field(default_factory=dict)
    violates: str | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The changed settings, and of the promises only the one that must be violated."""
        if self.violates is None:
            return self.changes
        kind, other = "INVARIANTS", "PROPERTIES"
        if self.violates in PROPERTIES:
            kind, other = other, kind
        return {**self.changes, kind: self.violates, other: ""}

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.changes.items()) or "as it is"


def without(spec: str, guard: str, violates: str, **more: str) -> Run:
    """The specification without one guard: the named invariant must be violated."""
    return Run(spec, {guard: "FALSE", **more}, violates)


RUNS = (
    Run("Publishing"),
    Run("Publishing", {"Window": "2"}),
    Run("Publishing", {"SPECIFICATION": "FairSpec", "PROPERTIES": "Sent"}),
    without("Publishing", "PositionUnderLock", "InOrder"),
    without("Publishing", "ConfirmBeforeMark", "NothingLost"),
    without("Publishing", "RefusedIsUnsent", "NothingLost"),
    without("Publishing", "RefusedHoldsBack", "InOrder"),
    without("Publishing", "StopsBehindRefused", "InOrder", Window="2"),
    Run("Consuming"),
    without("Consuming", "AckAfterCommit", "NothingLost"),
    without("Consuming", "InboxKnowsRepeats", "ExactlyOnce"),
    without("Consuming", "KeyLock", "NobodyForgotten"),
    without("Consuming", "ParksBehindOpen", "InOrder"),
    without("Consuming", "PromotesNext", "NobodyForgotten"),
    without("Consuming", "NoticesFailure", "Resolves"),
    Run("Cutover"),
    Run("Cutover", {"New": "TRUE"}),
    Run("Cutover", {"Since": "2"}),
    without("Cutover", "JobBeforeMark", "NothingMissed"),
    without("Cutover", "BoundBehindMark", "InOrder", New="TRUE"),
    without("Cutover", "EndBehindBound", "NothingMissed", New="TRUE"),
    without("Cutover", "LastPassAlone", "NothingMissed", EndsWithWhatWasDropped="FALSE"),
    without("Cutover", "OpenUntilEnd", "NothingMissed"),
    without("Cutover", "MarksLoadedWhenActive", "InOrder"),
    without("Cutover", "DropsOnlyWhatIsBrought", "NothingMissed", Since="2"),
    without("Cutover", "BringsBehindSent", "InOrder", Since="2"),
    without("Cutover", "EndedStaysEnded", "NothingMissed"),
    without("Cutover", "EndsWithWhatWasDropped", "InOrder"),
    without("Cutover", "BarrierWaitsForEnd", "BarrierNeverAhead"),
    Run("Barrier"),
    without("Barrier", "WaitsForUnsent", "NeverAhead"),
    without("Barrier", "ListsStuck", "NeverAhead"),
    without("Barrier", "OrderPastBarrier", "NeverAhead"),
    without("Barrier", "AckAfterHandedOn", "NeverAhead"),
    without("Barrier", "NotesWithEffects", "NeverAhead"),
    without("Barrier", "ThroughAllPartitions", "NeverAhead"),
)


def main(arguments: Sequence[str]) -> int:
    """Run TLC on all of `RUNS`, or on the named specifications.

    Returns 0 if every result is as expected, 1 if one is not, and 2 if TLC is not available.
    """
    specs = tuple(dict.fromkeys(run.spec for run in RUNS))
    parser = argparse.ArgumentParser(prog="./dev model", description=__doc__.partition("\n")[0])
    parser.add_argument("specs", nargs="*", metavar="SPEC", help=", ".join(specs))
    parser.add_argument("--traces", action="store_true", help="print the trace into each error")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.specs) - set(specs):
        parser.error(f"no specification {', '.join(sorted(unknown))}: {', '.join(specs)}")
    try:
        jar = find_jar()
    except NotThere as error:
        print(f"model: {error}", file=sys.stderr)
        return 2
    print(f"{'specification':<12} {'states':>8} {'depth':>5} {'s':>5}  found")
    failed = 0
    for run in RUNS:
        if chosen.specs and run.spec not in chosen.specs:
            continue
        started = time.monotonic()
        checked = check(jar, run.spec, run.asked, seconds=MOST_SECONDS)
        seconds = time.monotonic() - started
        good = checked.violated == run.violates
        failed += not good
        found = f"violates {checked.violated}" if checked.violated else "holds"
        expected = "" if good else f"   WRONG: must {run.violates or 'hold'}"
        print(
            f"{run.spec:<12} {checked.states:>8} {checked.depth:>5} {seconds:>5.1f}  "
            f"{found:<24} {run}{expected}",
            flush=True,
        )
        if chosen.traces and checked.violated:
            print(checked.trace)
    print(f"{failed} not as expected" if failed else "all as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
