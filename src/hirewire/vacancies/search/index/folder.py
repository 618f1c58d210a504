"""The folder of an index, written by one process at a time."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from pydantic import JsonValue

from hirewire.esco import edition
from hirewire.esco.job_titles import titles_edition
from hirewire.vacancies.search.index.documents import Document

FORMAT = 8
"""The format of the documents and of the state file; an index of another format is rebuilt."""
MOST_FOLDERS = 64


def index_format() -> int | str:
    """The format and the dictionaries' versions: documents hold ids of skills and occupations."""
    return f"{FORMAT}+{edition()}+{titles_edition()}"


def read_state(folder: Path | None) -> dict[str, JsonValue]:
    """The state file beside an index; empty if it is missing or unreadable."""
    return read_json(folder, "state.json") if folder else {}


def write_state(folder: Path, state: Mapping[str, JsonValue]) -> None:
    """Replace the state file beside an index atomically."""
    write_json(folder, "state.json", {**state, "format": index_format()})


def read_json(folder: Path, name: str) -> dict[str, JsonValue]:
    """The object in a file; empty if it is missing or unreadable."""
    try:
        found = json.loads((folder / name).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(folder: Path, name: str, content: Mapping[str, JsonValue]) -> None:
    """Replace a file atomically."""
    temporary = folder / f"{name}.new"
    temporary.write_text(json.dumps(content))
    temporary.replace(folder / name)


def _unnamed(folder: Path) -> IO[str]:
    return TemporaryFile("w+", dir=folder)


class Held:
    """Documents kept for later: in a file without a name, or in memory if there is no folder.

    Each is an id with its values, and whether the id is new.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file: IO[str] = StringIO() if folder is None else _unnamed(folder)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[str, Document | None, bool]]:
        self._file.seek(0)
        for line in self._file:
            id, values, fresh = json.loads(line)
            yield id, values, fresh

    def add(self, id: str, values: Document | None, fresh: bool) -> None:
        """Keep one more."""
        self._file.write(json.dumps((id, values, fresh)) + "\n")
        self._count += 1

    def close(self) -> None:
        """Delete them."""
        self._file.close()


class Busy(Exception):
    """Another process uses every folder for this index."""


class IndexFolder:
    """A folder for the index of one process, locked while it is in use."""

    def __init__(self, above: Path, name: str) -> None:
        """Raises `Busy`, or `OSError` if the folder cannot be made."""
        for number in range(MOST_FOLDERS):
            path = above / f"{name}-{number}"
            path.mkdir(parents=True, exist_ok=True)
            file = (path / "lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                continue
            self._file: IO[str] = file
            self.path = path
            return
        raise Busy

    def empty(self) -> None:
        """Delete the index in the folder."""
        (self.path / "state.json").unlink(missing_ok=True)
        shutil.rmtree(self.path / "index", ignore_errors=True)
        os.makedirs(self.path, exist_ok=True)

    def close(self) -> None:
        """Unlock the folder."""
        self._file.close()
