"""`hirewire import` in the terminal: progress, summary, refused rows."""

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from hirewire.tools.api_client import Refused, Unreachable, reach
from hirewire.tools.imports.columns import Kind
from hirewire.tools.imports.files import Unreadable, rows_of
from hirewire.tools.imports.importer import Importer
from hirewire.tools.imports.report import Journal, NotAReport

MOST_SHOWN = 20


async def import_file(
    url: str,
    kind: Kind,
    path: Path,
    console: Console,
    *,
    owner: tuple[str, str] | None,
    publish: bool,
    report: Path | None = None,
    encoding: str | None = None,
) -> int:
    """Import the file at `path` into the platform at `url`.

    Returns 0 if everything was imported, 1 if a row was refused or the platform is unreachable, and
    2 if the file or the report cannot be used; then nothing was sent.
    """
    try:
        rows, taken = rows_of(path, kind, encoding)
    except Unreadable as error:
        return _stop(console, str(error), 2)
    if taken != "utf-8":
        console.print(f"Read as {taken}; use --encoding if that is wrong")
    if owner is None and any(row.email is None and not row.wrong for row in rows):
        return _stop(console, "--email is required: some rows have no owner", 2)
    try:
        connect = await reach(url)
    except Unreachable as error:
        return _stop(console, str(error))
    report = report or path.with_name(f"{path.name}.report.csv")
    try:
        with Journal(report) as journal:
            importer = Importer(connect, kind, rows, owner, journal, publish)
            return await _watched(importer, console)
    except NotAReport as error:
        return _stop(console, str(error), 2)


async def _watched(importer: Importer, console: Console) -> int:
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    stopped = ""
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task(importer.kind, total=len(importer.rows))
        importer.on_change = lambda: progress.advance(bar)
        try:
            await importer.run()
        except Unreachable as error:
            stopped = f"the platform stopped answering ({error})"
        except Refused as error:
            stopped = f"{importer.owner[0] if importer.owner else ''} cannot log in: {error}"
    _summary(importer, time.monotonic() - started, console)
    if stopped:
        return _stop(console, f"{stopped}; run the same command to continue")
    return 1 if importer.refusals else 0


def _summary(importer: Importer, seconds: float, console: Console) -> None:
    tally = importer.tally
    made, drafts = tally["made"] + tally["draft"], tally["draft"]
    console.print(
        f"{made:,} created ({drafts:,} of them could not be published), "
        f"{tally['there before']:,} already existed, {tally['refused']:,} refused; {seconds:.1f} s"
    )
    if importer.refusals:
        table = Table()
        for head in ("line", "title", "field", "why"):
            table.add_column(head, overflow="fold")
        lines = [
            (str(row.line), row.title, where, why)
            for row, reasons in sorted(importer.refusals, key=lambda pair: pair[0].line)
            for where, why in reasons
        ]
        for line in lines[:MOST_SHOWN]:
            table.add_row(*(escape(cell) for cell in line))
        console.print(table)
        if len(lines) > MOST_SHOWN:
            console.print(f"and {len(lines) - MOST_SHOWN:,} more")
    console.print(f"The full report is {escape(str(importer.journal.path))}", soft_wrap=True)


def _stop(console: Console, why: str, code: int = 1) -> int:
    console.print(f"[red]hirewire:[/] {escape(why)}", soft_wrap=True)
    return code
