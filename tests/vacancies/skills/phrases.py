"""Our labelled phrases: how people write skills in adverts and resumes, and their meaning.

460 phrases of 15 trades, half in Russian, and 60 that name no skill. The rules were chosen on 150,
`tune`; 150 more, `seen`, were held back at first. The last 160, `held`, were written by somebody
who had not seen the code, and measure what it is worth: nobody tunes on them.
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
    """The phrases of a part: `tune`, `seen` or `held`."""
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


def later_no_skills(half: str) -> list[str]:
    """Conditions and traits, which name no skill: `seen` fitted the confidence."""
    with (_HERE / "phrases_none_later.csv").open(encoding="utf-8", newline="") as file:
        return [row["phrase"] for row in csv.DictReader(file) if row["half"] == half]


def shares(asked: Sequence[Phrase], find: Callable[[str], Sequence[str]]) -> tuple[float, float]:
    """The shares of phrases with a correct skill first, and among the first five."""
    found = [(one, find(one.text)) for one in asked]
    first = sum(bool(one.right & set(ids[:1])) for one, ids in found)
    five = sum(bool(one.right & set(ids[:5])) for one, ids in found)
    return first / len(found), five / len(found)
