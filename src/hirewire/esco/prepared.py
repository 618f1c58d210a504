"""Files that are made of the data once, since making them takes seconds in every process.

`python -m hirewire.esco.making` and `python -m hirewire.vacancies.skills.index` write them. Without
a file, or with one of other data, the same is made when it is used first.
"""

import hashlib
import sys
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATA = files("hirewire.esco") / "data"
_OF = "of"
Arrays = dict[str, NDArray[Any]]


def read(folder: Traversable, name: str) -> Arrays | None:
    """The arrays of a file; None if there is none, or it was made of other data."""
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        return None
    with np.load(BytesIO(content), allow_pickle=False) as file:
        if file[_OF].item() != digest():
            return None
        return {key: file[key] for key in file.files if key != _OF}


def write(folder: Traversable, name: str, arrays: Arrays) -> None:
    """Write a file into the sources."""
    path = Path(str(folder)) / name
    content: dict[str, Any] = {**arrays, _OF: np.array(digest())}
    np.savez_compressed(path, **content)
    sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")


@cache
def digest() -> str:
    """A hash of all data, and of the version of the library that removes endings."""
    hashed = hashlib.blake2b(version("tantivy").encode(), digest_size=8)
    for file in sorted(DATA.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".npz"):
            hashed.update(f" {file.name} ".encode() + file.read_bytes())
    return hashed.hexdigest()
