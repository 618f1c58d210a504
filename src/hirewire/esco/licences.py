"""Reads licences, permits and categories of a driving licence from titles and phrases.

`Водитель кат. C, E`, `права категории CE` and `HGV Class 1` name one licence. A higher category
contains lower ones, as `data/licences.csv` says (decision 0034).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from hirewire.esco.dictionary import OWN, key_of
from hirewire.esco.stems import stemmed
from hirewire.esco.tables import licence_rows, split

_DRIVING_ID = OWN + key_of("Driving licence category ")
_LONGEST = 200
_RUN = 6
_NAME = 8
"""The least number of letters of a form of one word in lower case: shorter ones mean other things
in a title (`права`).
"""
_WORD = re.compile(r"[^\W_]+")
_LATIN = str.maketrans("АВСДЕавсде", "ABCDEABCDE")
_CODE = r"(?:[A-DАВСД]1?[EЕ]?)+|[EЕ]"
_LOWER = r"(?:[a-d]1?e?)+|e|(?:[авсд]1?е?|е)(?=\s*(?:$|[,/+;.)»\"]))"
_NO_PREPOSITION = r"(?![^\W_]|-[^\W_]|\s+(?!и\b|или\b)[а-яё])"
_NEXT = r"[\s»\"]*(?:,|/|\+|&|;|\bи\b|\bили\b|\band\b|\bor\b)?[\s«\"]*"
_SURE = rf"(?:{_CODE}|{_LOWER})(?!\w)"
_LIKELY = rf"(?:(?:{_CODE}){_NO_PREPOSITION}|(?:(?:[b-d]1?e?)+|e)(?![\w-]))"
_CATEGORY = r"(?:\bкатегори[а-я]{1,2}|\bкат|\bcat(?:egor(?:y|ies))?)\b[.:]?\s*[«\"(]?"
_PERMIT = (
    r"(?:водительск\w+ (?:удостоверени\w+|прав\w*)|\bправа?|\bв/у|"
    r"driv(?:ing|er'?s?) licen[cs]es?|\blicen[cs]es?|\bdrivers?|"
    r"\bводител\w+(?:[ -](?!кат)[а-яё]+)?)"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_PERMIT}\s*)?(?P<word>(?i:{_CATEGORY}))(?P<codes>{_SURE}(?:{_NEXT}{_SURE})*)",
        rf"(?i:{_PERMIT})\s*[«\"(]?(?P<codes>{_LIKELY}(?:{_NEXT}{_LIKELY})*)",
        rf"(?<![\w-])(?P<codes>(?![AА]\b)(?:{_CODE})(?:{_NEXT}(?:{_CODE}))*)\s+"
        r"(?i:(?:driving )?licen[cs]e|driver|entitlement)\b",
    )
)
_SIGNS = (
    *("кат", "прав", "удостов", "в/у", "водит"),
    *("cat", "licen", "driv", "entitle", "class"),
)
"""A text without any of these names no category: most titles are passed over by that."""
_ONE_CODE = re.compile(r"[A-D]1?E?|E")
_HEAVY = re.compile(r"\b(?:[hl]gv|lorry|truck|driv\w+|licen[cs]es?)\b", re.IGNORECASE)
_CLASS = re.compile(r"\bclass\s*(?P<n>[12])\b(?:\s*(?:/|&|and|or)\s*(?P<m>[12])\b)?", re.IGNORECASE)
_EITHER = re.compile(r"\b(?:или|or)\b", re.IGNORECASE)
_CLASSES = {"1": "CE", "2": "C"}


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence, permit or certificate of our own dictionary."""

    id: str
    label: str
    russian: str | None
    family: str
    """Of those in one family, a resume that names some has not the others. Empty for none."""
    implies: frozenset[str]
    """The ids of all that a holder has with it."""


@cache
def licences() -> Mapping[str, Licence]:
    """All licences by id."""
    rows = {OWN + key_of(row["label"]): row for row in licence_rows()}
    direct = {
        id: [OWN + key_of(one) for one in split(row.get("implies") or "")]
        for id, row in rows.items()
    }

    def closure(id: str) -> Iterable[str]:
        for one in direct[id]:
            yield one
            yield from closure(one)

    return {
        id: Licence(
            id,
            row["label"],
            next(iter(split(row["ru"])), None),
            row.get("family") or "",
            frozenset(closure(id)),
        )
        for id, row in rows.items()
    }


def highest(ids: Iterable[str]) -> tuple[str, ...]:
    """Those that no other one of these contains."""
    kept = tuple(dict.fromkeys(ids))
    contained = {lower for one in kept for lower in licences()[one].implies}
    return tuple(one for one in kept if one not in contained)


def lowest(ids: Iterable[str]) -> tuple[str, ...]:
    """Those that contain no other one of these: one of them is enough where either will do."""
    kept = tuple(dict.fromkeys(ids))
    return tuple(one for one in kept if not licences()[one].implies.intersection(kept))


@lru_cache(maxsize=20_000)
def licences_in(text: str) -> tuple[str, ...]:
    """The ids of the licences that a title or phrase names, only the highest ones of each kind."""
    text = text[:_LONGEST]
    found = [id for one in _categories(text) for id in one.ids]
    return highest((*found, *_named(text)))


def labels_in(names: Iterable[str]) -> list[str]:
    """The labels of the licences that these names of certificates name."""
    found = dict.fromkeys(id for name in names for id in licences_in(name))
    return [licences()[id].label for id in found]


def with_categories(text: str) -> str:
    """The text with the categories of a driving licence as words: `categoryce`."""
    text = text[:_LONGEST]
    for one in reversed(_categories(text)):
        words = " ".join(f"category{id.removeprefix(_DRIVING_ID)}" for id in one.ids)
        text = f"{text[: one.start]} {words} {text[one.end :]}"
    return text


def by_category(title: str) -> tuple[str, ...]:
    """The title once for each category that it names: a driver of B and C is one of each."""
    title = title[:_LONGEST]
    for one in _categories(title):
        if len(one.named) > 1:
            head, tail = title[: one.start], title[one.end :]
            return tuple(f"{head}category {code}{tail}" for code in sorted(one.named))
    return (title,)


class _Categories(NamedTuple):
    """Where a text names categories of a driving licence, and the ids of the highest of them."""

    start: int
    end: int
    ids: tuple[str, ...]
    named: frozenset[str] = frozenset()
    """All that are named, as codes."""


def _categories(text: str) -> list[_Categories]:
    """From left to right."""
    folded = text.casefold()
    if not any(sign in folded for sign in _SIGNS):
        return []
    plain = text.lower() if text.isupper() else text
    found: list[_Categories] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            start, end = match.span("codes")
            if all(end <= one.start or start >= one.end for one in found):
                before = match.start("word") if match.groupdict().get("word") else start
                codes = _codes(match["codes"])
                chosen = lowest if _EITHER.search(match["codes"]) else highest
                found.append(_Categories(before, end, chosen(_ids(codes)), codes))
    if _HEAVY.search(plain):
        for match in _CLASS.finditer(plain):
            numbers = (match["n"], match["m"] or match["n"])
            ids = highest(_ids(frozenset(_CLASSES[one] for one in numbers)))
            found.append(_Categories(*match.span(), ids))
    return sorted(found, key=lambda one: one.start)


def _ids(codes: frozenset[str]) -> list[str]:
    return [_DRIVING_ID + one.casefold() for one in sorted(codes)]


def _codes(text: str) -> frozenset[str]:
    """`B, C, E` names B, C and CE; `C+E` names CE."""
    latin = text.translate(_LATIN).upper().replace("C1+E", "C1E").replace("C+E", "CE")
    named = _ONE_CODE.findall(re.sub(r"\b(?:И|ИЛИ|AND|OR)\b", " ", latin))
    found = {one for one in named if one != "E"}
    if "E" in named:
        found.add(next((f"{one}E" for one in ("C", "D", "B") if one in found), "CE"))
    return frozenset(found)


def _named(text: str) -> Iterable[str]:
    """The licences whose names are words of the text, the longest names first."""
    words = list(_WORD.finditer(text))
    stems = stemmed(one[0].casefold().replace("ё", "е") for one in words)
    taken: set[int] = set()
    for length in range(min(_RUN, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            place = range(start, start + length)
            id = _forms().get(tuple(stems[start : start + length]))
            if id is None or not taken.isdisjoint(place):
                continue
            if length == 1 and not (words[start][0].isupper() or len(words[start][0]) >= _NAME):
                continue
            taken.update(place)
            yield id


@cache
def _forms() -> Mapping[tuple[str, ...], str]:
    """Ids by the stems of the words of each form, except forms with a category."""
    found: dict[tuple[str, ...], str] = {}
    for row in licence_rows():
        for form in (row["label"], *split(row["ru"]), *split(row["other"])):
            if row.get("family") == "driving" and _categories(form):
                continue
            words = [one.casefold().replace("ё", "е") for one in _WORD.findall(form)]
            found.setdefault(tuple(stemmed(words)), OWN + key_of(row["label"]))
    return found
