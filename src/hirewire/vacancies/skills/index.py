"""Typeahead of skills: finds names of the dictionary by the beginnings of their words."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.esco import Skill, dictionary, occupations
from hirewire.esco.dictionary import built_in
from hirewire.esco.forms import beginnings_of, without_filler, words_of
from hirewire.esco.prepared import Arrays, read, write

Ints = NDArray[np.integer[Any]]
FILE = "typeahead.npz"
"""The file that is prepared from the built-in dictionary: see `esco.prepared`."""
_FOLDER = files("hirewire.vacancies.skills")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
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

    def __init__(self, skills: Iterable[Skill], prepared: Arrays | None = None) -> None:
        """`prepared`: what `built` gives for these skills."""
        used = _used()
        self._skills = _in_demand(skills)
        arrays = built(self._skills) if prepared is None else prepared
        forms = arrays["forms"].astype(np.int32)
        self._firsts = (np.cumsum(forms) - forms).astype(np.int32)
        """The first form of each skill."""
        self._skill = np.repeat(np.arange(len(forms), dtype=np.int32), forms)
        self._demand = np.array([used[skill.id] for skill in self._skills], np.int32)[self._skill]
        common = [bool(skill.aliases) for skill in self._skills]
        self._common = np.array(common, np.bool_)[self._skill]
        self._length = arrays["length"]
        self._places = {skill.id: place for place, skill in enumerate(self._skills)}
        self._in_order = arrays["in_order"]
        """The forms, ordered by their words."""
        self._words = arrays["words"].tobytes().decode().split()
        self._ends = np.append(0, np.cumsum(arrays["holders"], dtype=np.int32))
        self._holders = np.cumsum(arrays["holder_steps"], dtype=np.int32)
        """The forms with each word."""
        typos, mistyped = _typos_of(self._words)
        order = np.argsort(typos)
        self._typos = typos[order]
        """Sorted hashes of words without one letter."""
        self._mistyped_words = mistyped[order]
        """The word of each hash."""

    def _form(self, number: int) -> str:
        place = int(self._skill[number])
        return _forms(self._skills[place])[number - int(self._firsts[place])]

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
        sought = np.unique(_typos_of([word])[0])
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


def _typos_of(words: Sequence[str]) -> tuple[NDArray[np.uint64], Ints]:
    """Hashes of each word that is long enough, and of what remains of it without one letter; and
    the word's number for each.

    The hash of a text is the sum of its letters, each times a power of a number for its place: so
    those of a word without each of its letters follow from the sums of its parts.
    """
    lengths = np.array([len(word) for word in words])
    hashes, numbers = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for length in np.unique(lengths[lengths >= SHORTEST_TOLERATED]).tolist():
        of = np.flatnonzero(lengths == length)
        text = "".join(words[n] for n in of.tolist())
        letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).reshape(
            -1, length
        )
        powers = _FACTOR ** np.arange(length + 1, dtype=np.uint64)
        before, after = (np.cumsum(letters * powers[at : at + length], axis=1) for at in (1, 0))
        whole = before[:, -1:]
        without = before - letters * powers[1:] + (after[:, -1:] - after)
        hashes += [whole.ravel(), without.ravel()]
        numbers += [of, np.repeat(of, length)]
    return np.concatenate(hashes), np.concatenate(numbers).astype(np.int32)


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
def _used() -> Counter[str]:
    """The number of ICT occupations with each skill."""
    return Counter(id for one in occupations() for id in set(one.skills))


def _in_demand(skills: Iterable[Skill]) -> list[Skill]:
    """Skills of more ICT occupations first."""
    return sorted(skills, key=lambda skill: (-_used()[skill.id], skill.id))


def built(skills: Sequence[Skill]) -> Arrays:
    """What the prepared file contains for these skills: takes a second of processor time."""
    counts, lengths = array("i"), array("i")
    normal: list[str] = []
    for skill in skills:
        forms = _forms(skill)
        counts.append(len(forms))
        for form in forms:
            lengths.append(len(form))
            normal.append(_normal(form))
    held = sorted((word, n) for n, form in enumerate(normal) for word in set(form.split()))
    words = Counter(word for word, _ in held)
    in_order = sorted(range(len(normal)), key=normal.__getitem__)
    return {
        "forms": np.array(counts, np.uint16),
        "length": np.array(lengths, np.uint16),
        "in_order": np.array(in_order, np.int32),
        "words": np.frombuffer("\n".join(words).encode(), np.uint8),
        "holders": np.array(list(words.values()), np.int32),
        "holder_steps": np.diff(np.array([n for _, n in held], np.int32), prepend=np.int32(0)),
    }


@cache
def typeahead() -> Typeahead:
    """The typeahead of the dictionary. The first call in a process reads it, or builds it if
    operators added to the dictionary, which takes a second of processor time.
    """
    known = dictionary()
    return Typeahead(known.skills.values(), None if known.is_extended else read(_FOLDER, FILE))


def main() -> None:
    """Write the prepared file into the sources."""
    write(_FOLDER, FILE, built(_in_demand(built_in())))


if __name__ == "__main__":
    main()
