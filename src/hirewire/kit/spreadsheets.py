"""Tables for spreadsheets: CSV in which no cell is a formula to the program that opens it.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a line break gets an apostrophe before it, as
spreadsheets mark text; `plain` takes it away again.
"""

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def write_rows(file: TextIO, rows: Iterable[Iterable[Any]]) -> None:
    """Rows of a table, to the end of the file."""
    csv.writer(file).writerows([safe(str(cell)) for cell in row] for row in rows)


def safe(cell: str) -> str:
    """The cell, as text to every spreadsheet."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """What `safe` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
