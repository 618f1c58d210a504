"""CSV for spreadsheets, without cells that a spreadsheet would run as formulas.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a line break gets a leading apostrophe, the
spreadsheet's mark for text. `plain` removes it.
"""

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def write_rows(file: TextIO, rows: Iterable[Iterable[Any]]) -> None:
    """Append rows to a CSV file."""
    csv.writer(file).writerows([safe(str(cell)) for cell in row] for row in rows)


def safe(cell: str) -> str:
    """The cell with a leading apostrophe if a spreadsheet would take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """The original cell: the inverse of `safe`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
