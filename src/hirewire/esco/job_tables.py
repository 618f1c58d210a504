"""Reads all occupations from the data files."""

import csv
import gzip
from importlib.resources import files
from io import StringIO
from typing import NamedTuple

from hirewire.esco.tables import split

_DATA = files("hirewire.esco") / "data"


class Occupation(NamedTuple):
    """An occupation of ESCO 1.1.1."""

    id: str
    isco: str
    label: str
    other_labels: tuple[str, ...]
    russian: tuple[str, ...]
    ours: tuple[str, ...]
    """Other common titles, in both languages."""

    @property
    def forms(self) -> tuple[str, ...]:
        """All its names."""
        return (self.label, *self.russian, *self.ours, *self.other_labels)


def all_occupations() -> list[Occupation]:
    """All occupations, ordered by id. Reads the files on each call: few callers need the texts."""
    titles = csv.DictReader(StringIO((_DATA / "titles.csv").read_text(encoding="utf-8")))
    ours = {row["esco_id"]: (split(row["ru"]), split(row["other"])) for row in titles}
    with (
        (_DATA / "occupations.csv.gz").open("rb") as raw,
        gzip.open(raw, "rt", encoding="utf-8") as file,
    ):
        rows = sorted(csv.DictReader(file), key=lambda row: row["esco_id"])
    return [
        Occupation(
            row["esco_id"],
            row["isco"],
            row["label"],
            split(row["alt_labels"]),
            *ours.get(row["esco_id"], ((), ())),
        )
        for row in rows
    ]
