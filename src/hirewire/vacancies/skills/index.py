"""Typeahead of skills: the dictionary by the beginnings of words."""

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.esco import Skill, dictionary, occupations

Ints = NDArray[np.integer[Any]]
_WORD = re.compile(r"[^\W_]+[+#]*")
_END = "\U0010ffff"
SHORTEST_TOLERATED = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A skill, and the form of its name that matches the typed text."""

    skill: Skill
    form: str


class Typeahead:
    """Finds skills by the beginnings of the words of any form of their names.

    An exact match comes first, then forms that begin with the text, then skills of more ICT
    occupations, then shorter forms. If there is room left, words with one typo (a letter replaced,
    missing or added, or two swapped) match as well.
    """

    def __init__(self, skills: Iterable[Skill]) -> None:
        used = Counter(id for one in occupations() for id in set(one.skills))
        self._skills = sorted(skills, key=lambda skill: (-used[skill.id], skill.id))
        places = array("i")
        self._forms: list[str] = []
        for place, skill in enumerate(self._skills):
            for form in dict.fromkeys((skill.label, *skill.aliases, *skill.other_labels)):
                places.append(place)
                self._forms.append(form)
        self._skill = np.array(places, np.int32)
        self._demand = np.array([used[skill.id] for skill in self._skills], np.int32)[self._skill]
        self._length = np.array([len(form) for form in self._forms], np.int32)
        self._places = {skill.id: place for place, skill in enumerate(self._skills)}
        self._in_order = np.array(sorted(range(len(self._forms)), key=self._normal), np.int32)
        self._index_words()

    def _normal(self, form: int) -> str:
        return " ".join(words_of(self._forms[form]))

    def _index_words(self) -> None:
        """Index forms by their words, and words by their possible typos.

        Numbers in arrays save memory: strings in dictionaries take some 80 MiB.
        """
        numbers: dict[str, int] = {}
        word_of, form_of = array("i"), array("i")
        for n, form in enumerate(self._forms):
            for word in dict.fromkeys(words_of(form)):
                word_of.append(numbers.setdefault(word, len(numbers)))
                form_of.append(n)
        self._words = sorted(numbers)
        places = np.empty(len(numbers), np.int32)
        for place, word in enumerate(self._words):
            places[numbers[word]] = place
        held_by = places[np.array(word_of, np.int32)]
        order = np.argsort(held_by, kind="stable")
        self._holders = np.array(form_of, np.int32)[order]
        self._ends = np.searchsorted(held_by[order], np.arange(len(self._words) + 1))
        typos, mistyped = array("q"), array("i")
        for n, word in enumerate(self._words):
            if len(word) >= SHORTEST_TOLERATED:
                for text in _without_one(word):
                    typos.append(hash(text))
                    mistyped.append(n)
        order = np.argsort(np.array(typos, np.int64), kind="stable")
        self._typos = np.array(typos, np.int64)[order]
        """Sorted hashes of words without one letter."""
        self._mistyped_words = np.array(mistyped, np.int32)[order]
        """The word of each hash."""

    def find(self, text: str, limit: int) -> list[Suggestion]:
        """At most `limit` skills without repeats; none for a text without a letter."""
        words = words_of(text)
        if not words:
            return []
        found = self._ranked(text, words, self._all(words, tolerant=False))
        if len(found) < limit:
            more = self._ranked(text, words, self._all(words, tolerant=True))
            found = np.concatenate((found, more[~np.isin(more, found)]))
        chosen: dict[int, int] = {}
        for form in found:  # not as a list: a letter begins thousands, and few are looked at
            chosen.setdefault(int(self._skill[form]), int(form))
            if len(chosen) == limit:
                break
        return [Suggestion(self._skills[s], self._forms[form]) for s, form in chosen.items()]

    def _all(self, words: Sequence[str], *, tolerant: bool) -> Ints:
        """Forms in which each of these words begins a word."""
        found: Ints | None = None
        for word in dict.fromkeys(words):
            forms = self._beginning(word)
            if tolerant and len(word) >= SHORTEST_TOLERATED:
                forms = np.union1d(forms, self._mistyped(word))
            found = forms if found is None else np.intersect1d(found, forms, assume_unique=True)
        return np.array([], np.int64) if found is None else found

    def _beginning(self, start: str) -> Ints:
        low, high = (bisect_left(self._words, edge) for edge in (start, start + _END))
        return self._distinct(self._holders[self._ends[low] : self._ends[high]])

    def _distinct(self, forms: Ints) -> Ints:
        there = np.zeros(len(self._forms), np.bool_)
        there[forms] = True
        return np.flatnonzero(there)

    def _mistyped(self, word: str) -> Ints:
        sought = np.array([hash(text) for text in _without_one(word)], np.int64)
        lows, highs = (np.searchsorted(self._typos, sought, side) for side in ("left", "right"))
        near = {
            n
            for low, high in zip(lows, highs, strict=True)
            for n in self._mistyped_words[low:high].tolist()
        }
        parts = [
            self._holders[self._ends[n] : self._ends[n + 1]]
            for n in near
            if is_one_typo(word, self._words[n])
        ]
        return np.unique(np.concatenate(parts)) if parts else np.array([], np.int64)

    def _ranked(self, text: str, words: Sequence[str], forms: Ints) -> Ints:
        start = " ".join(words)
        low, high = (
            bisect_left(self._in_order, edge, key=self._normal) for edge in (start, start + _END)
        )
        begins = np.zeros(len(self._forms), np.bool_)
        begins[self._in_order[low:high]] = True
        exact = self._skill[forms] == self._places.get(dictionary().find(text) or "", -1)
        order = np.lexsort((self._length[forms], -self._demand[forms], ~begins[forms], ~exact))
        ranked: Ints = forms[order]
        return ranked


def words_of(text: str) -> list[str]:
    """The words of a text, with spelling variants unified."""
    return _WORD.findall(text.casefold().replace("ё", "е"))


def _without_one(word: str) -> set[str]:
    return {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}


def is_one_typo(one: str, other: str) -> bool:
    """Whether a letter was replaced, left out or added, or two neighbours were swapped."""
    if len(one) > len(other):
        one, other = other, one
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(other) - len(one) == 1:
        return one[at:] == other[at + 1 :]
    if len(one) != len(other):
        return False
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return one[at + 1 :] == other[at + 1 :] or swapped


@cache
def typeahead() -> Typeahead:
    """The typeahead of the built-in dictionary; built once per process, in about a second."""
    return Typeahead(dictionary().skills.values())
