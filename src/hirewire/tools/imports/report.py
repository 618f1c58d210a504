"""The report of an import, which also lets the same command continue where it stopped."""

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TextIO

from hirewire.kit.spreadsheets import plain, write_rows
from hirewire.tools.imports.files import Row

Outcome = Literal["made", "draft", "refused"]
HEAD = ("line", "title", "outcome", "id", "field", "why", "email", "password", "mark")
DONE = frozenset({"made", "draft"})


class NotAReport(Exception):
    """The report cannot be written to this file; the message gives the reason."""


@dataclass
class Journal:
    """A CSV file with everything ever created, and the rows refused in the last run.

    It may contain generated passwords, so only its owner can read it.
    """

    path: Path
    marks: dict[str, str] = field(default_factory=dict)
    """The ids of everything created, by the mark of their rows."""
    passwords: dict[str, str] = field(default_factory=dict)
    """Passwords generated in earlier runs, by email."""
    _file: TextIO | None = None

    def __enter__(self) -> Self:
        """Read what was created before, and open the file. Raises `NotAReport`."""
        kept = self._read()
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise NotAReport(f"{self.path}: {error.strerror}") from None
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        write_rows(self._file, [HEAD, *kept])
        self._file.flush()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(
        self,
        row: Row,
        outcome: Outcome,
        *,
        id: str = "",
        reasons: list[tuple[str, str]] | None = None,
        password: str = "",
    ) -> None:
        """Write a line for a created item, or a line for each reason of a refused one."""
        assert self._file is not None
        mark = row.mark if outcome in DONE else ""
        lines = [
            (row.line, row.title, outcome, id, field, why, row.email or "", password, mark)
            for field, why in reasons or [("", "")]
        ]
        write_rows(self._file, lines)
        self._file.flush()
        if mark:
            self.marks[mark] = id

    def _read(self) -> list[list[str]]:
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                found = [[plain(cell) for cell in line] for line in csv.reader(file)]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, csv.Error) as error:
            raise NotAReport(f"{self.path}: {error}") from None
        if found and tuple(found[0]) != HEAD:
            raise NotAReport(f"{self.path} exists and is not an import report: choose another path")
        kept = [line for line in found[1:] if len(line) == len(HEAD) and line[2] in DONE]
        for line in kept:
            self.marks[line[-1]] = line[3]
            if line[7]:
                self.passwords[line[6].lower()] = line[7]
        return kept
