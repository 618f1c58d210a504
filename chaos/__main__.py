"""`./dev chaos [--seed N]… [--short] [--write] [scenario…]`."""

import argparse
import sys
from pathlib import Path

import structlog

from chaos.document import write
from chaos.runner import Result, run
from chaos.scenarios import SCENARIOS


def main() -> None:
    """Run from the command line; exit code 1 when the promise was not kept."""
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="repeatable; 1 by default")
    parser.add_argument("--short", action="store_true", help="one node, the quick scenarios")
    parser.add_argument("--write", action="store_true", help="write docs/chaos.md")
    parser.add_argument("scenario", nargs="*", help="; ".join(SCENARIOS))
    given = parser.parse_args()
    for name in given.scenario:
        if name not in SCENARIOS:
            parser.error(f"no scenario {name!r}: one of {', '.join(SCENARIOS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    results: list[Result] = []
    for seed in given.seed or [1]:
        results += run(
            seed,
            given.scenario,
            short=given.short,
            say=lambda text: print(text, flush=True),
        )
    if given.write:
        write(results, Path("docs/chaos.md"))
    sys.exit(0 if all(result.good for result in results) else 1)


main()
