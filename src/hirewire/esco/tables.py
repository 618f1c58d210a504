"""Reads the skills and occupations from the data files."""

import csv
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

_DATA = files("hirewire.esco") / "data"


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill of ESCO 1.1.1, with our additions."""

    id: str
    """A UUID: the last segment of the skill's ESCO URI."""
    label: str
    others: str
    """ESCO's alternative labels in English, separated by ``|``: a hundred thousand texts of their
    own would take 8 MiB.
    """
    groups: tuple[str, ...]
    """Codes of the skill's groups, such as `S4.5.0`."""
    label_ru: str | None
    aliases: tuple[str, ...]
    """Our additional forms: Russian names and common spellings."""

    @property
    def other_labels(self) -> tuple[str, ...]:
        """ESCO's alternative labels in English."""
        return split(self.others)

    @property
    def forms(self) -> tuple[str, ...]:
        """All its names; a name may occur twice."""
        return (self.label, *self.aliases, *self.other_labels)


@dataclass(frozen=True, slots=True)
class Occupation:
    """An ICT occupation of ESCO 1.1.1."""

    uri: str
    label: str
    other_labels: tuple[str, ...]
    skills: tuple[str, ...]
    """Ids of the occupation's skills."""


@cache
def skills() -> tuple[Skill, ...]:
    """All skills, ordered by id."""
    ours = {row["esco_id"]: row for row in csv.DictReader(StringIO(_text("aliases.csv")))}
    with (
        (_DATA / "skills.csv.gz").open("rb") as raw,
        gzip.open(raw, "rt", encoding="utf-8") as file,
    ):
        found = [_skill(row, ours.get(row["esco_id"], {})) for row in csv.DictReader(file)]
    return tuple(sorted(found, key=lambda skill: skill.id))


def _skill(row: dict[str, str], ours: dict[str, str]) -> Skill:
    russian, other = split(ours.get("ru", "")), split(ours.get("other", ""))
    return Skill(
        id=row["esco_id"],
        label=row["label"],
        others=row["alt_labels"],
        groups=_groups(row["groups"]),
        label_ru=russian[0] if russian else None,
        aliases=russian + other,
    )


@cache
def _groups(text: str) -> tuple[str, ...]:
    """Codes of groups; skills of the same groups share them."""
    return split(text)


Own = tuple[str, str | None, tuple[str, ...]]
"""The label, the Russian label and further forms of a skill that ESCO lacks."""


@cache
def technologies() -> tuple[Own, ...]:
    """Common technologies and products that ESCO lacks."""
    return _own(rows_of("own.csv"))


@cache
def licences() -> tuple[Own, ...]:
    """Common licences, permits and certificates that ESCO lacks."""
    return _own(licence_rows())


@cache
def licence_rows() -> tuple[dict[str, str], ...]:
    """Their rows, with the columns `implies` and `family`."""
    return tuple(rows_of("licences.csv"))


@cache
def everyday() -> tuple[Own, ...]:
    """Skills of everyday trades that ESCO lacks."""
    return _own(rows_of("everyday.csv"))


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of a data file, without its comments: lines that begin with `#`."""
    lines = (line for line in _text(name).splitlines() if not line.startswith("#"))
    return list(csv.DictReader(lines))


def _own(rows: Iterable[dict[str, str]]) -> tuple[Own, ...]:
    return tuple(
        (
            row["label"],
            next(iter(split(row["ru"])), None),
            split(row["ru"]) + split(row["other"]),
        )
        for row in rows
    )


def additions() -> str:
    """The content of our own files, to be hashed."""
    names = ("aliases", "own", "licences", "everyday", "families")
    texts = [_text(f"{name}.csv") for name in names]
    return "".join((*texts, (_DATA / "related.npz").read_bytes().hex()))


@cache
def occupations() -> tuple[Occupation, ...]:
    """The 91 ICT occupations, ordered by URI."""
    rows = sorted(json.loads(_text("ict_occupations.json")), key=lambda row: str(row["uri"]))
    return tuple(
        Occupation(row["uri"], row["label"], tuple(row["altLabels"]), tuple(row["skills"]))
        for row in rows
    )


def split(text: str) -> tuple[str, ...]:
    """Split forms that are separated by ``|``."""
    return tuple(part.strip() for part in text.split("|") if part.strip())


def _text(name: str) -> str:
    return (_DATA / name).read_text(encoding="utf-8")
