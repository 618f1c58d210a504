"""Files that are made of the data once, since making them takes seconds in every process.

`python -m hirewire.esco.making` and `python -m hirewire.vacancies.skills.index` write them. Without
a file, or with one of other data, the same is made when it is used first.
"""

import hashlib
import sys
import zlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import structlog
from numpy.typing import NDArray

DATA = files("hirewire.esco") / "data"
_OF = "of"
_KINDS = (".csv", ".gz", ".json", ".txt")
log = structlog.get_logger(__name__)
Arrays = dict[str, NDArray[Any]]


def read(folder: Traversable, name: str, *libraries: str) -> Arrays | None:
    """The arrays of a file that was made with these libraries.

    None if it cannot be read, or was made of other data or with other versions: this is logged,
    since making the same takes seconds.
    """
    try:
        content = (folder / name).read_bytes()
        with np.load(BytesIO(content), allow_pickle=False) as file:
            if file[_OF].item() == digest(*libraries):
                return {key: file[key] for key in file.files if key != _OF}
            why = "made of other data"
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        why = f"{type(error).__name__}: {error}"
    log.info("prepared file not used", file=name, why=why)
    return None


def write(folder: Traversable, name: str, arrays: Arrays, *libraries: str) -> None:
    """Write a file into the sources."""
    path = Path(str(folder)) / name
    content: dict[str, Any] = {**arrays, _OF: np.array(digest(*libraries))}
    np.savez_compressed(path, **content)
    sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")


@cache
def digest(*libraries: str) -> str:
    """A hash of all data, and of the versions of these libraries."""
    versions = " ".join(version(one) for one in libraries)
    hashed = hashlib.blake2b(versions.encode(), digest_size=8)
    for file in sorted(DATA.iterdir(), key=lambda file: file.name):
        if file.name.endswith(_KINDS):
            hashed.update(f" {file.name} ".encode() + file.read_bytes())
    return hashed.hexdigest()
