"""`./dev simulate`: simulated histories of the messaging core, each determined by its seed."""

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    """Run from the command line; the exit code is 1 if a history fails."""
    if "--capacity" in sys.argv:
        from simulate.capacity.__main__ import main as capacity

        capacity([one for one in sys.argv[1:] if one != "--capacity"])
        return
    if os.environ.get("PYTHONHASHSEED") != "0":  # the iteration order of sets depends on it
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "simulate", *sys.argv[1:]])
    from simulate.commands import find_fault, run_histories, run_one

    given = _arguments()
    without = frozenset(filter(None, given.without.split(",")))
    if given.plan or given.seed is not None:
        sys.exit(run_one(given, without))
    if given.fault:
        sys.exit(find_fault(given, without))
    sys.exit(run_histories(given, without))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one history and print it")
    parser.add_argument("--plan", type=Path, help="run a history that was saved as a file")
    parser.add_argument("--steps", type=int, default=10, help="transactions in a history (10)")
    parser.add_argument("--histories", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument(
        "--without", default="", help="names of decisions to leave out, separated by commas"
    )
    parser.add_argument("--keep", type=Path, help="write failing histories, shrunk, to this folder")
    parser.add_argument(
        "--fault", help="inject a known fault (or all) and count the histories until it is found"
    )
    parser.add_argument("--no-shrink", action="store_true", help="do not shrink failing histories")
    return parser.parse_args()


main()
