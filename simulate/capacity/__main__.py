"""`./dev simulate --capacity`: lag and recovery after failures, at a million events a second."""

import argparse
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hirewire.tools.capacity.quantities import count_of
from simulate.capacity.report import COLUMNS, markdown, plot, rows
from simulate.capacity.scenarios import BATCH, BEGIN, CONSUMER_RATE, SCENARIOS, Load, play
from simulate.capacity.service import Service, load

ROOT = Path(__file__).resolve().parents[2]
MEASURED = ROOT / "docs" / "bench" / "service-times.json"


def main(arguments: list[str] | None = None) -> None:
    """Run the scenarios from the command line."""
    parser, given = _arguments(arguments)
    service = _service(parser, given)
    try:
        chosen = Load(count_of(given.rate), given.partitions, given.seconds, given.seed)
    except ValueError as error:
        parser.error(f"--rate: {error}")
    if not 1 <= given.partitions <= 10_000:
        parser.error("--partitions: not between 1 and 10000")
    if not BEGIN + 10 <= given.seconds <= 3600:
        parser.error(f"--seconds: not between {BEGIN + 10:g} and 3600")
    if not 0 < chosen.rate <= 1e8:
        parser.error("--rate: not between 1 and 100 M")
    each = service.capacity(BATCH)
    if chosen.rate >= each * chosen.partitions:
        parser.error(
            f"--rate: {chosen.partitions} partitions handle {each * chosen.partitions:,.0f}/s at "
            "most; with more, the lag only grows"
        )
    console = Console(highlight=False)
    console.print(
        f"{chosen.rate:,.0f} events/s over {chosen.partitions} partitions, each of which handles "
        f"{each:,.0f}/s at most"
    )
    names = given.only.split(",") if given.only else [one.name for one in SCENARIOS]
    if unknown := set(names) - {one.name for one in SCENARIOS}:
        parser.error(f"--only: no {min(unknown)!r}: {', '.join(one.name for one in SCENARIOS)}")
    started = time.monotonic()
    felt = [play(one, chosen, service) for one in SCENARIOS if one.name in names]
    table = Table(*COLUMNS)
    for row in rows(felt):
        table.add_row(*row)
    console.print(table)
    console.print(f"simulated in {time.monotonic() - started:.0f} s", style="dim")
    if given.to:
        given.to.mkdir(parents=True, exist_ok=True)
        (given.to / "capacity.md").write_text(markdown(chosen, felt))
        plot(given.to / "capacity.svg", chosen, felt)


def _arguments(
    arguments: list[str] | None,
) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="./dev simulate --capacity", description=__doc__)
    parser.add_argument("--rate", default="1M", help="events per second (1M)")
    parser.add_argument("--partitions", type=int, default=200, help="partitions (200)")
    parser.add_argument("--seconds", type=float, default=120, help="of each scenario (120)")
    parser.add_argument("--seed", type=int, default=1, help="seed (1)")
    parser.add_argument("--only", help="names of scenarios, separated by commas")
    parser.add_argument("--service", type=Path, default=MEASURED, help="measured service times")
    parser.add_argument(
        "--speed",
        type=float,
        default=CONSUMER_RATE,
        help="events/s of one consumer in full batches; the measured times are scaled to it "
        f"({CONSUMER_RATE:.0f}, docs/bench/table.md)",
    )
    parser.add_argument("--to", type=Path, help="folder for capacity.md and capacity.svg")
    return parser, parser.parse_args(arguments)


def _service(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Service:
    try:
        found = load(given.service)
    except (OSError, KeyError, ValueError) as error:
        parser.error(f"--service: {type(error).__name__}: {error}")
    if not 1 <= given.speed <= 1e7:
        parser.error("--speed: not between 1 and 10 M")
    return found.scaled(given.speed / found.capacity(BATCH))


if __name__ == "__main__":
    main()
