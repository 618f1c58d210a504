"""The folder of an index, written by one process at a time."""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pydantic import JsonValue

from hirewire.esco import edition
from hirewire.esco.job_titles import titles_edition

FORMAT = 7
"""The format of the documents and of the state file; an index of another format is rebuilt."""
MOST_FOLDERS = 64


def index_format() -> int | str:
    """The format and the dictionaries' versions: documents hold ids of skills and occupations."""
    return f"{FORMAT}+{edition()}+{titles_edition()}"


def read_state(folder: Path | None) -> dict[str, JsonValue]:
    """The state file beside an index; empty if it is missing or unreadable."""
    try:
        state = json.loads((folder / "state.json").read_text()) if folder else {}
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(folder: Path, state: Mapping[str, JsonValue]) -> None:
    """Replace the state file beside an index atomically."""
    temporary = folder / "state.json.new"
    temporary.write_text(json.dumps(dict(state) | {"format": index_format()}))
    temporary.replace(folder / "state.json")


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
