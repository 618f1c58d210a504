"""`hirewire skills`: reviewing the dictionary of skills."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hirewire.cli.terminal import BAD_SETTINGS, fail, reachable_settings, run_async
from hirewire.kit.db import make_engine
from hirewire.kit.settings import SettingsError
from hirewire.kit.spreadsheets import write_rows
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.skills.background import use_dictionary
from hirewire.vacancies.skills.queries import Unknown, unknown_skills

skills_app = typer.Typer(no_args_is_help=True, help="The dictionary of skills.")
console = Console(highlight=False)


@skills_app.command()
def review(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most skills to list")] = 50,
    to: Annotated[
        Path | None,
        typer.Option(help="Also write them to a file to edit for HIREWIRE_DICTIONARY"),
    ] = None,
) -> None:
    """List skills that people use and the dictionary lacks, most frequent first."""
    settings = reachable_settings()
    try:
        use_dictionary(settings)
    except SettingsError as error:
        fail(str(error), BAD_SETTINGS)

    async def read() -> list[Unknown]:
        engine = make_engine(settings.service_database("vacancies"), pool=2, application="skills")
        try:
            async with Transactions(engine, "vacancies")() as tx:
                return await unknown_skills(tx, limit)
        finally:
            await engine.dispose()

    found = run_async(read())
    table = Table(title="Skills missing from the dictionary")
    for head in ("skill", "vacancies", "resumes", "similar"):
        table.add_column(head, justify="right" if head in ("vacancies", "resumes") else "left")
    for one in found:
        cells = (one.name, f"{one.asked:,}", f"{one.offered:,}", one.likest or "")
        table.add_row(*(escape(cell) for cell in cells))
    console.print(table)
    if to is not None:
        try:
            with to.open("x", encoding="utf-8", newline="") as file:
                lines = [(one.name, "", "", one.likest or "") for one in found]
                write_rows(file, [("label", "ru", "other", "skill"), *lines])
        except OSError as error:
            fail(f"{to}: {error.strerror}", 2)
