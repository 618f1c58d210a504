"""Trades outside IT, as found in any city: titles, skills and pay."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from hirewire.esco import dictionary
from hirewire.tools.sample_data.phrases import capital
from hirewire.tools.sample_data.salaries import GRADES, Grade, Pay

_MARKED = re.compile(r"(!?)([a-z]+): (.*)")
_TITLE = re.compile(r"([1-4]+)(?:=([a-z]+))?(?:@([a-z,]+))? (.*)")
FOR_WOMEN = re.compile("сестра|горничная|хостес|chambermaid", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A text in English and in Russian, for titles that share a mark with it."""

    english: str
    russian: str
    marks: frozenset[str] = frozenset()
    needed: bool = False
    """Of a document: whether the work requires it."""

    def text(self, *, russian: bool) -> str:
        """The text in the given language."""
        return self.russian if russian else self.english

    def goes_with(self, marks: frozenset[str]) -> bool:
        """Whether the line belongs to a title with these marks; a title without marks gets every
        line.
        """
        return not self.marks or bool(self.marks & marks) or (not marks and not self.needed)

    def written(self, rng: Random, *, russian: bool) -> str:
        """Usually the standard wording, sometimes another one of the skill in the dictionary."""
        others = () if russian else _other_forms(self.english)
        if others and rng.random() < 0.25:
            return rng.choice(others)
        return self.text(russian=russian)


@dataclass(frozen=True, slots=True)
class CityTitle:
    """A title, and its grades."""

    name: Line
    grades: tuple[Grade, ...]
    industries: frozenset[str]
    """The industries that use it; all if empty."""

    @property
    def marks(self) -> frozenset[str]:
        """A suffix that distinguishes it from other titles of the trade."""
        return self.name.marks


@dataclass(frozen=True, slots=True)
class CityTrade:
    """A trade, with the lines for its vacancies and resumes."""

    key: str
    pay: Pay
    per: str | None
    """The unit in which the trade is often paid, instead of a month."""
    office: bool
    """Whether part of the work can be done from home."""
    near: tuple[str, ...]
    """Related trades, to which its people also apply or from which they come."""
    titles: tuple[CityTitle, ...]
    skills: tuple[Line, ...]
    """The most important ones first."""
    papers: tuple[Line, ...]
    """Documents and tools."""
    duties: tuple[Line, ...]
    wanted: tuple[Line, ...]
    schedule: tuple[Line, ...]
    done: tuple[Line, ...]
    study: tuple[tuple[str, Line], ...]
    """The kind of school and the course there."""

    def title(
        self,
        rng: Random,
        grade: Grade,
        industry: str | None = None,
        *,
        marks: frozenset[str] = frozenset(),
        man: bool = False,
    ) -> CityTitle:
        """A title for this grade, if possible of the industry and with these marks."""
        able = [one for one in self.titles if not (man and FOR_WOMEN.search(one.name.russian))]
        able = [
            one for one in able if not one.industries or not industry or industry in one.industries
        ] or able
        fitting = [one for one in able if grade in one.grades] or _nearest(able, grade)
        alike = [one for one in fitting if one.marks & marks] if marks else fitting
        return rng.choice(alike or fitting)

    def lines(self, part: str, marks: frozenset[str], *, russian: bool) -> list[str]:
        """The lines of a section that go with a title of these marks."""
        stock: tuple[Line, ...] = getattr(self, part)
        return [line.text(russian=russian) for line in stock if line.goes_with(marks)]


@cache
def city_trades() -> dict[str, CityTrade]:
    """All trades by name, in the order of the files."""
    folder = files("hirewire.tools.sample_data") / "city"
    found: dict[str, CityTrade] = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        for key, row in tomllib.loads(file.read_text(encoding="utf-8")).items():
            found[key] = _trade(key, row)
    return found


def _trade(key: str, row: dict[str, Any]) -> CityTrade:
    first, second, third, fourth = row["pay"]
    parts = {
        part: tuple(_line(text) for text in row[part].strip().splitlines())
        for part in ("skills", "papers", "duties", "wanted", "schedule", "done")
    }
    return CityTrade(
        key=key,
        pay=(first, second, third, fourth),
        per=row.get("per"),
        office=row.get("office", False),
        near=tuple(row["near"]),
        titles=tuple(_title(text) for text in row["titles"].strip().splitlines()),
        study=tuple(_course(text) for text in row["study"].strip().splitlines()),
        **parts,
    )


def _line(text: str) -> Line:
    needed = marks = ""
    if found := _MARKED.match(text):
        needed, marks, text = found.groups()
    english, russian = text.split(" | ")
    return Line(english, russian, frozenset(marks), bool(needed))


def _title(text: str) -> CityTitle:
    found = _TITLE.fullmatch(text)
    assert found is not None, text
    figures, marks, places, names = found.groups()
    english, russian = names.split(" | ")
    grades = tuple(GRADES[int(figure) - 1] for figure in figures)
    industries = frozenset(places.split(",") if places else ())
    return CityTitle(Line(english, russian, frozenset(marks or "")), grades, industries)


def _course(text: str) -> tuple[str, Line]:
    kind, _, names = text.partition(" ")
    return kind, _line(names) if names else Line("", "")


def _nearest(titles: list[CityTitle], grade: Grade) -> list[CityTitle]:
    def distance(title: CityTitle) -> int:
        return min(abs(GRADES.index(one) - GRADES.index(grade)) for one in title.grades)

    least = min(map(distance, titles))
    return [title for title in titles if distance(title) == least]


@cache
def _other_forms(english: str) -> tuple[str, ...]:
    """A few more wordings of the skill from the dictionary, each with a different first word.

    Many of ESCO's alternative labels are not idiomatic English.
    """
    id = dictionary().find(english)
    if id is None:
        return ()
    first, *rest = english.lower().split()
    found = [
        form
        for form in dictionary().skills[id].forms
        if form.isascii()
        and rest
        and form.lower().split()[1:] == rest
        and form.lower().split()[0] != first
        and dictionary().find(form) == id
    ]
    return tuple(capital(form) for form in found[:3])
