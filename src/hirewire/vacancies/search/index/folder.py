"""The folder of an index: one process writes it at a time."""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from hirewire.esco import edition

FORMAT = 4
"""Of the documents and of the state beside them; an index of another format is built again."""
MOST_FOLDERS = 64


def index_format() -> int | str:
    """Documents hold ids of skills, so another skills dictionary is another format."""
    return f"{FORMAT}+{edition()}" if edition() else FORMAT


def read_state(folder: Path | None) -> dict[str, Any]:
    """The state beside an index; empty if there is none or it cannot be read."""
    try:
        state = json.loads((folder / "state.json").read_text()) if folder else {}
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Replace the state beside an index in one step."""
    temporary = folder / "state.json.new"
    temporary.write_text(json.dumps(dict(state) | {"format": index_format()}))
    temporary.replace(folder / "state.json")


class Busy(Exception):
    """Every folder for this index is in use by another process."""


class IndexFolder:
    """A folder of its own for one process's index."""

    def __init__(self, above: Path, name: str) -> None:
        """Raises `Busy`, or `OSError` when it cannot be made."""
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
        """Delete the index in it."""
        (self.path / "state.json").unlink(missing_ok=True)
        shutil.rmtree(self.path / "index", ignore_errors=True)
        os.makedirs(self.path, exist_ok=True)

    def close(self) -> None:
        """Unlock it."""
        self._file.close()
