"""`./dev bench [names] [--rounds N] [--quick] [--to FOLDER]`, or `--profile WORKER`.

`./dev bench memory --minutes [N]` watches the memory of a platform under load, for an hour by
default.
"""

import argparse
import logging
import os
import time
from importlib import import_module
from pathlib import Path

import structlog
import uvloop
from rich.console import Console

from bench import profile
from bench.measure import Figure, Options, markdown, table
from bench.places import places
from bench.process import ROOT

ALL = (
    "consume",
    "relay",
    "kafka",
    "onekey",
    "business",
    "chain",
    "latency",
    "growth",
    "failing",
    "catchup",
    "bodies",
    "matching",
    "dividing",
    "search",
    "search_cluster",
    "alerts",
    "phrases",
    "encoder",
    "gateway",
    "signin",
    "live",
    "mails",
    "newcomer",
    "notices",
    "pages",
    "end_to_end",
    "webhooks",
    "storage",
    "capacity",
    "memory",
)


def options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(ALL)}")
    parser.add_argument("--rounds", type=int, help="rounds of each benchmark (5; with --quick: 1)")
    parser.add_argument("--quick", action="store_true", help="small counts, no plots")
    parser.add_argument(
        "--to", type=Path, help="folder for plots and table (docs/bench; with --quick: none)"
    )
    parser.add_argument(
        "--profile", choices=profile.WORKERS, help="profile one of our workers with py-spy instead"
    )
    parser.add_argument("--seconds", type=int, default=10, help="length of the profile")
    parser.add_argument(
        "--minutes",
        type=float,
        nargs="?",
        const=60,
        help="minutes of load during which `memory` is watched (60)",
    )
    parser.add_argument(
        "--processes",
        type=int,
        nargs="+",
        default=[1],
        help="numbers of web processes over which the pages of `live` are distributed (1)",
    )
    parser.add_argument(
        "--broker",
        choices=("rabbitmq", "postgres", "kafka"),
        default="rabbitmq",
        help="broker of `live` (rabbitmq)",
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(ALL):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    if asked.minutes is not None and asked.names != ["memory"]:
        parser.error("--minutes applies to memory only")
    if (asked.processes, asked.broker) != ([1], "rabbitmq") and asked.names != ["live"]:
        parser.error("--processes and --broker apply to live only")
    return asked


async def run(names: tuple[str, ...], options: Options, console: Console) -> list[Figure]:
    """Run the named benchmarks one after the other, over the same engines."""
    figures: list[Figure] = []
    async with places() as bench:
        for name in names:
            started = time.monotonic()
            with console.status(name):
                figures += await import_module(f"bench.{name}").run(bench, options)
            console.print(f"{name}: {time.monotonic() - started:.0f} s", style="dim")
    return figures


def main() -> None:
    """Measure, print one table and write the plots."""
    asked = options()
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    if asked.profile:
        console.print(
            uvloop.run(profile.run(asked.profile, asked.seconds)), markup=False, soft_wrap=True
        )
        return
    folder = asked.to or (None if asked.quick else ROOT / "docs" / "bench")
    rounds = asked.rounds or (1 if asked.quick else 5)
    more = (asked.minutes, asked.processes, asked.broker)
    chosen = Options(rounds, asked.quick, folder, *more)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    figures = uvloop.run(run(tuple(asked.names) or ALL, chosen, console))
    times = "1 round" if chosen.rounds == 1 else f"{chosen.rounds} rounds"
    kind = "quick, targets not judged; " if chosen.quick else ""
    title = f"{kind}{times}, {os.cpu_count()} cores"
    console.print(table(title, figures))
    if folder:
        # A table of some benchmarks must not replace the table of all.
        name = "-".join(["table", *asked.names])
        (folder / f"{name}.md").write_text(markdown(title, figures))


if __name__ == "__main__":
    main()
