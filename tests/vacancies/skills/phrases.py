"""Our labelled phrases: how people write skills in adverts and resumes, and their meaning.

300 phrases of 15 trades, half of them in Russian, and 60 that name no skill. The rules were tuned
on the half `tune`; the half `held` measures their quality.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Phrase:
    """A phrase, and the ids of the skills that it may mean."""

    text: str
    right: frozenset[str]


def phrases(half: str) -> list[Phrase]:
    """The phrases of a half, `tune` or `held`."""
    with (_HERE / "phrases.csv").open(encoding="utf-8", newline="") as file:
        return [
            Phrase(row["phrase"], frozenset(row["skills"].split("|")))
            for row in csv.DictReader(file)
            if row["half"] == half
        ]


def no_skills() -> list[str]:
    """Phrases that name no skill of ESCO."""
    with (_HERE / "phrases_none.csv").open(encoding="utf-8", newline="") as file:
        return [row["phrase"] for row in csv.DictReader(file)]


def shares(asked: Sequence[Phrase], find: Callable[[str], Sequence[str]]) -> tuple[float, float]:
    """The shares of phrases with a correct skill first, and among the first five."""
    found = [(one, find(one.text)) for one in asked]
    first = sum(bool(one.right & set(ids[:1])) for one, ids in found)
    five = sum(bool(one.right & set(ids[:5])) for one, ids in found)
    return first / len(found), five / len(found)
