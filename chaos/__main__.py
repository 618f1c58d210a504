"""`./dev chaos [--seed N]… [--broker B] [--short] [--list] [--write] [scenario…]`."""

import argparse
import sys
from pathlib import Path
from typing import get_args

import structlog

from chaos.brokers import Kind
from chaos.document import write, write_kafka
from chaos.runner import Result, run
from chaos.scenarios import SCENARIOS


def chosen(names: list[str], broker: Kind) -> list[str]:
    """The scenarios with these names, or with these words in their names. Raises `LookupError`."""
    found: list[str] = []
    there = [name for name, one in SCENARIOS.items() if broker in one.brokers]
    for word in names:
        exact = [name for name in there if name == word]
        near = exact or [name for name in there if word.lower() in name.lower()]
        if not near:
            raise LookupError(f"no scenario {word!r} over {broker}: --list prints them")
        found += [name for name in near if name not in found]
    return found


def main() -> None:
    """Run from the command line; the exit code is 1 if a promise was broken, or nothing was run."""
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="repeatable; 1 by default")
    parser.add_argument("--broker", choices=get_args(Kind), default="rabbitmq")
    parser.add_argument("--short", action="store_true", help="one node, the quick scenarios")
    parser.add_argument("--list", action="store_true", help="print the scenarios and exit")
    parser.add_argument("--write", action="store_true", help="write the page of this broker")
    parser.add_argument("scenario", nargs="*", help="a scenario's name or a part of it")
    given = parser.parse_args()
    if given.list:
        for one in SCENARIOS.values():
            print(f"{'short' if one.short else '     '}  {one.name}: {one.what}")
        return
    try:
        names = chosen(given.scenario, given.broker)
    except LookupError as error:
        parser.error(str(error.args[0]))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    results: list[Result] = []
    for seed in given.seed or [1]:
        results += run(
            seed, names, given.broker, short=given.short, say=lambda text: print(text, flush=True)
        )
    if given.write and given.broker == "kafka":
        write_kafka(results, Path("docs/chaos-kafka.md"))
    elif given.write:
        write(results, Path("docs/chaos.md"))
    sys.exit(0 if results and all(result.good for result in results) else 1)


if __name__ == "__main__":
    main()
