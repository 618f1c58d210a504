"""Related skills: those that are close to a skill, though they are not the same.

Two kinds. Skills of ESCO whose names mean nearly the same to the encoder (decision 0028), or that
share a group of ESCO and mean something like it: `python -m hirewire.esco.related` writes the table
of these once, so that nobody needs the encoder to read it. And products and licences, whose names
mean nothing to an encoder: families of our own (`families.csv`).
"""

import csv
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.esco.dictionary import dictionary, is_proper
from hirewire.esco.meaning import Encoder, encoder, names_of
from hirewire.esco.tables import Skill, skills

NEAR = 0.8
"""The least cosine of skills that are related by meaning alone."""
NEAR_IN_GROUP = 0.65
"""The same for skills that share a group of ESCO."""
MOST = 8
"""The most skills that one is related to by meaning, the nearest first."""
_BATCH = 512
_DATA = files("hirewire.esco") / "data"
_TABLE = "related.npz"

Floats = NDArray[np.float32]


def related() -> Mapping[str, set[str]]:
    """The skills that are close to a skill, by id: each is close to the other. Reads the files."""
    found: dict[str, set[str]] = {}
    for one, other in (*_by_meaning(), *_families()):
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


def _by_meaning() -> Iterator[tuple[str, str]]:
    """The pairs of the table. Raises `ValueError` if it was made of other skills."""
    ids = [skill.id for skill in skills()]
    with np.load(BytesIO((_DATA / _TABLE).read_bytes()), allow_pickle=False) as table:
        if table["of"].item() != _digest(ids):
            raise ValueError(f"{_TABLE} was made of other skills")
        pairs = table["pairs"].tolist()
    for one, other in pairs:
        yield ids[one], ids[other]


def _families() -> Iterator[tuple[str, str]]:
    """The pairs of each family. Raises `ValueError` for a name that is no skill's."""
    rows = csv.DictReader(StringIO((_DATA / "families.csv").read_text(encoding="utf-8")))
    for row in rows:
        ids = [_id(name) for name in row["skills"].split("|")]
        for nth, one in enumerate(ids):
            for other in ids[nth + 1 :]:
                yield one, other


def _id(name: str) -> str:
    found = dictionary().find(name)
    if found is None:
        raise ValueError(f"families.csv: no skill {name!r}")
    return found


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(ids).encode()).hexdigest()[:16]


def pairs_of(whole: Sequence[Skill], vectors: Floats) -> list[tuple[int, int]]:
    """The pairs of skills that are related by their vectors (of length 1) and groups, by place.

    What has a proper name is left out: its letters are all that an encoder knows of it.
    """
    named = np.flatnonzero([not is_proper(skill) for skill in whole])
    groups = [frozenset(whole[place].groups) for place in named.tolist()]
    some = vectors[named]
    found: set[tuple[int, int]] = set()
    for start in range(0, len(named), _BATCH):
        cosines = some[start : start + _BATCH] @ some.T
        for nth, row in enumerate(cosines, start):
            near = np.flatnonzero(row >= NEAR_IN_GROUP)
            kept = [
                n
                for n in near[np.argsort(-row[near], kind="stable")].tolist()
                if n != nth and (row[n] >= NEAR or groups[n] & groups[nth])
            ]
            found.update((min(nth, n), max(nth, n)) for n in kept[:MOST])
    return [(int(named[one]), int(named[other])) for one, other in sorted(found)]


def vectors_of(whole: Sequence[Skill], encode: Encoder) -> Floats:
    """The direction of each skill's names taken together, of length 1."""
    named = list(names_of(whole))
    names, firsts = [name for name, _ in named], [is_first for _, is_first in named]
    parts = [encode.encode(names[at : at + _BATCH]) for at in range(0, len(names), _BATCH)]
    sums: Any = np.add.reduceat(np.concatenate(parts), np.flatnonzero(firsts))
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)


def main() -> None:
    """Write the table into the sources."""
    whole = skills()
    pairs = pairs_of(whole, vectors_of(whole, encoder()))
    with (Path(str(_DATA)) / _TABLE).open("wb") as file:
        np.savez_compressed(
            file, of=_digest([skill.id for skill in whole]), pairs=np.array(pairs, np.uint16)
        )
    sys.stdout.write(f"{len(pairs)} pairs\n")


if __name__ == "__main__":
    main()
