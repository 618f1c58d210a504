"""Shared by the commands: the terminal, the settings, exit codes."""

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hirewire.assembly import load_settings
from hirewire.kit.settings import Settings, SettingsError
from hirewire.launcher.postgres import default_data_dir
from hirewire.launcher.state import found_settings, read_state, running_data_dirs

BAD_SETTINGS = 78
"""Exit code for invalid settings (EX_CONFIG of sysexits.h)."""

WIDE = 400
"""The columns of a table that goes into a file or a pipe."""

T = TypeVar("T")
console = Console(stderr=True, highlight=False)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop if it is available."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print an error and exit."""
    console.print(f"[red]hirewire:[/] {escape(message)}")
    raise typer.Exit(code)


def print_table(table: Table, nothing: str | None = None) -> None:
    """Print a table; `nothing` instead of one without rows.

    Into a file or a pipe nothing is folded: what is in it is to be searched and copied.
    """
    out = Console(highlight=False)
    if nothing is not None and not table.row_count:
        out.print(nothing)
        return
    out = out if out.is_terminal else Console(highlight=False, width=WIDE)
    out.print(table)


def settings_or_exit(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings; exits with code 78 and the variable's name if one is invalid."""
    try:
        return load_settings(environ)
    except SettingsError as error:
        fail(str(error), BAD_SETTINGS)


def data_dir_of(settings: Settings, given: Path | None = None) -> Path:
    """The folder of the embedded engines."""
    return (given or settings.data_dir or default_data_dir()).resolve()


def running_data_dir(settings: Settings) -> Path:
    """The configured data directory, or that of the platform that this user runs.

    Exits with code 2 if several platforms run and none is configured.
    """
    folder = data_dir_of(settings)
    if settings.data_dir is not None or read_state(folder) is not None:
        return folder
    running = running_data_dirs()
    if len(running) > 1:
        folders = ", ".join(map(str, running))
        fail(f"several platforms are running: set HIREWIRE_DATA_DIR to one of {folders}", 2)
    return running[0] if running else folder


def reachable_settings(
    service: str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings with addresses: configured ones, or those of the platform running here."""
    settings = settings_or_exit(environ)
    if settings.database_url is None:
        settings = found_settings(settings, running_data_dir(settings), service)
    if settings.database_url is None:
        fail(
            "HIREWIRE_DATABASE_URL is not set, and no platform is running (start `hirewire run`)",
            BAD_SETTINGS,
        )
    return settings
