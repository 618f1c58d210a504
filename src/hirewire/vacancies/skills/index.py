"""Skills as somebody types them: the dictionary, by the beginnings of words."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hirewire.esco import Skill, dictionary, occupations

Ints = NDArray[np.int64]
_WORD = re.compile(r"[^\W_]+[+#]*")
_END = "\U0010ffff"
SHORTEST_TOLERATED = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A skill, and the form of its name that begins as was typed."""

    skill: Skill
    form: str


class Typeahead:
    """Finds skills by the beginnings of the words of any form of their names.

    First the one that is written exactly so, then those whose form begins so, then the skills
    that more ICT occupations have, then shorter forms. Where that leaves room, words with one
    slip (a letter wrong, left out, too many, or two swapped) are understood as well.
    """

    def __init__(self, skills: Iterable[Skill]) -> None:
        used = Counter(id for one in occupations() for id in set(one.skills))
        self._skills = sorted(skills, key=lambda skill: (-used[skill.id], skill.id))
        forms = [
            (place, form)
            for place, skill in enumerate(self._skills)
            for form in dict.fromkeys((skill.label, *skill.aliases, *skill.other_labels))
        ]
        self._forms = [form for _, form in forms]
        self._skill = np.array([place for place, _ in forms])
        self._demand = np.array([used[self._skills[place].id] for place, _ in forms])
        self._length = np.array([len(form) for form in self._forms])
        begins = sorted((" ".join(words_of(form)), n) for n, form in enumerate(self._forms))
        self._begins = [text for text, _ in begins]
        self._beginners = np.array([n for _, n in begins])
        self._places = {skill.id: place for place, skill in enumerate(self._skills)}
        holders: dict[str, set[int]] = {}
        for n, form in enumerate(self._forms):
            for word in words_of(form):
                holders.setdefault(word, set()).add(n)
        self._words = sorted(holders)
        self._ends = np.cumsum([0, *(len(holders[word]) for word in self._words)])
        self._holders = np.concatenate([sorted(holders[word]) for word in self._words])
        self._slips: dict[str, list[int]] = {}
        for n, word in enumerate(self._words):
            if len(word) >= SHORTEST_TOLERATED:
                for form in _without_one(word):
                    self._slips.setdefault(form, []).append(n)

    def find(self, text: str, limit: int) -> list[Suggestion]:
        """At most `limit` skills, each once; none for a text without a letter."""
        words = words_of(text)
        if not words:
            return []
        found = self._ranked(text, words, self._all(words, tolerant=False))
        if len(found) < limit:
            more = self._ranked(text, words, self._all(words, tolerant=True))
            known = set(found)
            found += [form for form in more if form not in known]
        chosen: dict[int, int] = {}
        for form in found:
            chosen.setdefault(int(self._skill[form]), form)
            if len(chosen) == limit:
                break
        return [Suggestion(self._skills[s], self._forms[form]) for s, form in chosen.items()]

    def _all(self, words: Sequence[str], *, tolerant: bool) -> Ints:
        """Forms in which each of these words begins a word."""
        found: Ints | None = None
        for word in dict.fromkeys(words):
            forms = self._beginning(word)
            if tolerant and len(word) >= SHORTEST_TOLERATED:
                forms = np.union1d(forms, self._slipped(word))
            found = forms if found is None else np.intersect1d(found, forms, assume_unique=True)
        return np.array([], np.int64) if found is None else found

    def _beginning(self, start: str) -> Ints:
        low, high = (bisect_left(self._words, edge) for edge in (start, start + _END))
        return self._distinct(self._holders[self._ends[low] : self._ends[high]])

    def _distinct(self, forms: Ints) -> Ints:
        there = np.zeros(len(self._forms), np.bool_)
        there[forms] = True
        return np.flatnonzero(there)

    def _slipped(self, word: str) -> Ints:
        near = {n for form in _without_one(word) for n in self._slips.get(form, ())}
        parts = [
            self._holders[self._ends[n] : self._ends[n + 1]]
            for n in near
            if is_one_slip(word, self._words[n])
        ]
        return np.unique(np.concatenate(parts)) if parts else np.array([], np.int64)

    def _ranked(self, text: str, words: Sequence[str], forms: Ints) -> list[int]:
        start = " ".join(words)
        low, high = (bisect_left(self._begins, edge) for edge in (start, start + _END))
        begins = np.zeros(len(self._forms), np.bool_)
        begins[self._beginners[low:high]] = True
        exact = self._skill[forms] == self._places.get(dictionary().find(text) or "", -1)
        order = np.lexsort((self._length[forms], -self._demand[forms], ~begins[forms], ~exact))
        ranked: list[int] = forms[order].tolist()
        return ranked


def words_of(text: str) -> list[str]:
    """The words of a text, without what people write differently."""
    return _WORD.findall(text.casefold().replace("ё", "е"))


def _without_one(word: str) -> set[str]:
    return {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}


def is_one_slip(one: str, other: str) -> bool:
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
    """Over the built-in dictionary; made once a process, in about a second."""
    return Typeahead(dictionary().skills.values())
