"""Typeahead of skills: finds names of the dictionary by the beginnings of their words."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.esco import Skill, dictionary, occupations
from hirewire.esco.forms import beginnings_of, without_filler, words_of

Ints = NDArray[np.integer[Any]]
_END = "\U0010ffff"
SHORTEST_TOLERATED = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A skill, and the form of its name that matches the typed text."""

    skill: Skill
    form: str


class Typeahead:
    """Finds skills by the beginnings of the words of any form of their names.

    The skill that the dictionary finds comes first, then forms that begin with the text, then
    skills that adverts name often (those with forms of our own), then shorter forms, then skills of
    more ICT occupations. If there is room left, forms follow that match without filler words ("good
    … skills"), then without endings, and then with one typo (a letter replaced, missing or added,
    or two swapped).
    """

    def __init__(self, skills: Iterable[Skill]) -> None:
        used = Counter(id for one in occupations() for id in set(one.skills))
        self._skills = sorted(skills, key=lambda skill: (-used[skill.id], skill.id))
        places, lengths = array("i"), array("i")
        normal: list[str] = []
        firsts = []
        for place, skill in enumerate(self._skills):
            firsts.append(len(normal))
            for form in dict.fromkeys(skill.forms):
                places.append(place)
                lengths.append(len(form))
                normal.append(" ".join(words_of(form)))
        self._firsts = np.array(firsts, np.int32)
        """The first form of each skill."""
        self._skill = np.array(places, np.int32)
        self._demand = np.array([used[skill.id] for skill in self._skills], np.int32)[self._skill]
        common = [bool(skill.aliases) for skill in self._skills]
        self._common = np.array(common, np.bool_)[self._skill]
        self._length = np.array(lengths, np.int32)
        self._places = {skill.id: place for place, skill in enumerate(self._skills)}
        self._in_order = np.array(sorted(range(len(normal)), key=normal.__getitem__), np.int32)
        self._index_words(normal)

    def _form(self, number: int) -> str:
        place = int(self._skill[number])
        return _forms(self._skills[place])[number - int(self._firsts[place])]

    def _index_words(self, normal: Sequence[str]) -> None:
        """Index forms by their words, and words by their possible typos.

        Numbers in arrays save memory: strings in dictionaries take some 80 MiB.
        """
        numbers: dict[str, int] = {}
        word_of, form_of = array("i"), array("i")
        for n, form in enumerate(normal):
            for word in dict.fromkeys(form.split()):
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
        """At most `limit` skills, each once; none for a text without a letter."""
        if not words_of(text):
            return []
        known = dictionary().find(text)
        chosen: dict[int, str] = {}
        if known is not None and (place := self._places.get(known)) is not None:
            chosen[place] = self._form_like(text, place)
        for form in self._ranked(text, known):
            chosen.setdefault(int(self._skill[form]), self._form(form))
            if len(chosen) == limit:
                break
        return [Suggestion(self._skills[s], form) for s, form in chosen.items()][:limit]

    def _form_like(self, text: str, place: int) -> str:
        """The form with this spelling; the label in the text's script if there is none."""
        skill, words = self._skills[place], words_of(text)
        label = skill.label if text.isascii() else skill.label_ru or skill.label
        return next((form for form in skill.forms if words_of(form) == words), label)

    def _ranked(self, text: str, known: str | None) -> Iterator[int]:
        """Forms, the best first; a skill may have several of them.

        An iterator, since thousands of forms begin with a letter and few of them are used.
        """
        readings = (text, *without_filler(text))
        for reading in readings:
            words = words_of(reading)
            yield from self._in_rank(words, self._all(words, tolerant=False), known)
        starts = beginnings_of(readings[-1])
        yield from self._in_rank(starts, self._all(starts, tolerant=False), known)
        for reading in readings[:: max(len(readings) - 1, 1)]:
            words = words_of(reading)
            yield from self._in_rank(words, self._all(words, tolerant=True), known)

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
        there = np.zeros(len(self._skill), np.bool_)
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

    def _in_rank(self, words: Sequence[str], forms: Ints, known: str | None) -> Ints:
        start = " ".join(words)
        low, high = (
            bisect_left(self._in_order, edge, key=lambda form: _normal(self._form(form)))
            for edge in (start, start + _END)
        )
        begins = np.zeros(len(self._skill), np.bool_)
        begins[self._in_order[low:high]] = True
        exact = self._skill[forms] == self._places.get(known or "", -1)
        terms = (~self._common[forms], ~begins[forms], ~exact)
        order = np.lexsort((-self._demand[forms], self._length[forms], *terms))
        ranked: Ints = forms[order]
        return ranked


@lru_cache(2048)
def _forms(skill: Skill) -> tuple[str, ...]:
    """The different names of a skill. Those in which each search looks first remain at hand."""
    return tuple(dict.fromkeys(skill.forms))


@lru_cache(4096)
def _normal(form: str) -> str:
    return " ".join(words_of(form))


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
