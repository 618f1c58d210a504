"""`hirewire demo --fill N` in the terminal: progress, summary, and accounts to sign in with."""

import time
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from hirewire.kit.clock import now
from hirewire.tools.api_client import Unreachable, reach
from hirewire.tools.sample_data.filler import PASSWORD, Filler, Plan, What

SPEED_OVER = 60.0
"""Seconds over which the speed is averaged to estimate the time left."""


async def fill(
    url: str, count: int, seed: int, console: Console, *, today: date | None = None
) -> int:
    """Create `count` vacancies and `count` resumes at `url`.

    Returns 0 if everything exists, 1 if something was refused or the platform is unreachable.
    Running it again creates nothing twice.
    """
    try:
        connect = await reach(url)
    except Unreachable as error:
        console.print(
            f"[red]hirewire:[/] {escape(str(error))}\n"
            "start it with `hirewire run`, or give its address with --url",
            soft_wrap=True,
        )
        return 1
    filler = Filler(connect, Plan(count, count, seed, today or now().date()))
    started = time.monotonic()
    gone: Unreachable | None = None
    try:
        await _watched(filler, console)
    except Unreachable as error:
        gone = error
    finally:
        _summary(filler, time.monotonic() - started, console)
    if gone is not None:
        console.print(
            f"[red]hirewire:[/] the platform stopped answering ({escape(str(gone))}); "
            "run the same command to continue",
            soft_wrap=True,
        )
        return 1
    _logins(filler.plan, url, console)
    return 1 if filler.tally.refused.total() else 0


async def _watched(filler: Filler, console: Console) -> None:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=4,
        speed_estimate_period=SPEED_OVER,
    )
    with progress:
        bars = {
            "vacancies": progress.add_task("vacancies", total=filler.plan.vacancies),
            "resumes": progress.add_task("resumes", total=filler.plan.resumes),
        }

        def advance(what: What) -> None:
            if what in bars:
                progress.advance(bars[what])

        filler.on_change = advance
        await filler.run()


def _summary(filler: Filler, seconds: float, console: Console) -> None:
    tally = filler.tally
    table = Table(title=f"Board with seed {filler.plan.seed}")
    for head in ("what", "made", "there before", "refused", "seconds", "per second"):
        table.add_column(head, justify="left" if head == "what" else "right")
    for what in ("accounts", "vacancies", "resumes"):
        made = tally.made[what]
        table.add_row(
            what,
            f"{made:,}",
            f"{tally.found[what]:,}",
            f"{tally.refused[what]:,}",
            f"{seconds:.1f}",
            f"{made / max(seconds, 0.001):.1f}",
        )
    console.print(table)
    for reason, times in tally.reasons.most_common(5):
        console.print(f"[yellow]refused[/] {times:,} times: {escape(reason)}")


def _logins(plan: Plan, url: str, console: Console) -> None:
    [candidate, *more] = (who for who, _ in plan.candidates())
    company, employer, _ = next(plan.employers())
    other = next(
        (who for who in more if who.russian != candidate.russian), *more[:1] or [candidate]
    )
    console.print(f"Sign in at {url} with the password [bold]{PASSWORD}[/] as")
    shown = [(candidate.email, "candidate"), (other.email, "candidate")]
    shown.append((employer.email, f"employer, {company.name}"))
    for email, who in dict(shown).items():
        console.print(f"  {email}  [dim]{escape(who)}[/]")
