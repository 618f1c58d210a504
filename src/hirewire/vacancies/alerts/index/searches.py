"""All saved searches with alerts, in memory, and which of them a vacancy meets.

First the filters of all searches are tested together, in arrays. Then the texts of those that are
left: a text is tested only if the vacancy has one of its keys, and equal texts are tested once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.alerts.index.conditions import (
    Compiled,
    Key,
    Near,
    compiled,
    compiled_with_keys,
)
from hirewire.vacancies.alerts.index.facts import Facts
from hirewire.vacancies.alerts.index.similar import SimilarWords
from hirewire.vacancies.search.index.query import SearchFilters
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.tables import NOBODY

NEVER = 2**62
A_DAY = 24 * 60 * 60 * 1_000_000
"""In microseconds, as all times here."""
_COLUMNS = {
    "needed": np.uint8,
    "text": np.int32,
    "pay": np.int64,
    "since": np.int64,
    "days": np.int64,
}
_FIRST_SIZE = 1024
NOTHING = Compiled(None, ())


@dataclass(frozen=True, slots=True)
class Alert:
    """A saved search with alerts."""

    id: UUID
    filters: SearchFilters
    """Without a time, which would pass."""
    days: int | None
    """The most days since publication."""
    since: int
    """It meets vacancies that were published from this moment on."""


class SavedSearches:
    """The saved searches in arrays, one slot each. Not for several threads at once."""

    def __init__(self) -> None:
        self._slots: dict[UUID, int] = {}
        self._ids: list[UUID] = []
        self._values: list[tuple[tuple[str, str], ...]] = []
        """The values of the filters of each."""
        self._free: list[int] = []
        self._column: Mapping[str, NDArray[np.integer]] = {
            name: np.zeros(_FIRST_SIZE, kind) for name, kind in _COLUMNS.items()
        }
        self._having: dict[tuple[str, str], array[int]] = {}
        """The slots of the searches whose filters accept a value of a field."""
        self._texts = Texts()

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, alert: Alert) -> None:
        """Add a search, or replace it."""
        self.remove(alert.id)
        slot = self._free.pop() if self._free else self._new_slot()
        values = tuple(_filtered(alert.filters))
        self._slots[alert.id], self._ids[slot], self._values[slot] = slot, alert.id, values
        for key in values:
            self._having.setdefault(key, array("i")).append(slot)
        alone = {name for name, _ in values if not VACANCIES.of(name).matches_all}
        every = [name for name, _ in values if VACANCIES.of(name).matches_all]
        row = {
            "needed": len(alone) + len(every),
            "text": self._texts.add(alert.filters.text),
            "pay": -1 if alert.filters.pay is None else alert.filters.pay[0] or 0,
            "since": alert.since,
            "days": (alert.days or 0) * A_DAY,
        }
        for name, value in row.items():
            self._column[name][slot] = value

    def remove(self, id: UUID) -> None:
        """Remove a search, if it is there."""
        slot = self._slots.pop(id, None)
        if slot is None:
            return
        for key in self._values[slot]:
            self._having[key].remove(slot)
            if not self._having[key]:
                del self._having[key]
        self._texts.remove(int(self._column["text"][slot]))
        self._values[slot] = ()
        self._column["since"][slot] = NEVER
        self._free.append(slot)

    def ids(self) -> Iterable[UUID]:
        """The searches that are here."""
        return self._slots.keys()

    def meeting(self, facts: Facts, moment: int) -> list[UUID]:
        """The searches that find this vacancy at a moment."""
        count = len(self._ids)
        fits = self._fitting(facts, moment)
        texts = self._column["text"][:count]
        asked, found = np.zeros((2, len(self._texts)), np.bool_)
        asked[texts[fits]] = True
        found[self._texts.true_of(facts, asked)] = True
        slots = np.flatnonzero(fits & found[texts])
        return [self._ids[slot] for slot in slots.tolist()]

    def _fitting(self, facts: Facts, moment: int) -> NDArray[np.bool_]:
        """The slots whose filters accept the vacancy."""
        count = len(self._ids)
        met = np.zeros(count, np.uint8)
        for one in VACANCIES.filters:
            groups = [
                np.frombuffer(having, np.int32)
                for value in facts.values.get(one.name, ())
                if (having := self._having.get((one.name, value)))
            ]
            if not one.matches_all and len(groups) > 1:
                groups = [np.unique(np.concatenate(groups))]
            for slots in groups:
                met[slots] += 1
        column = {name: values[:count] for name, values in self._column.items()}
        pay = facts.pay if isinstance(facts.pay, int) else -1
        fits: NDArray[np.bool_] = met == column["needed"]
        fits &= column["pay"] <= pay
        fits &= column["since"] <= facts.time
        fits &= (column["days"] == 0) | (moment - column["days"] <= facts.time)
        return fits

    def _new_slot(self) -> int:
        self._ids.append(NOBODY)
        self._values.append(())
        if len(self._ids) > len(self._column["text"]):
            self._column = {
                name: np.concatenate([old, np.zeros(len(old) // 2, old.dtype)])
                for name, old in self._column.items()
            }
        return len(self._ids) - 1


class Texts:
    """The different texts of saved searches."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._text: list[str] = []
        self._compiled: list[Compiled] = []
        """The condition of each, read as if there were vacancies at all places."""
        self._uses: list[int] = []
        self._keys: list[tuple[Key, ...]] = []
        self._free: list[int] = []
        self._waiting: dict[Key, array[int]] = {}
        """The texts that wait for a vacancy with a key."""
        self._always = set[int]()
        """The texts without any key."""
        self._near = {
            (distance, is_whole): SimilarWords(distance)
            for distance in (1, 2)
            for is_whole in (False, True)
        }

    def __len__(self) -> int:
        return len(self._text)

    def add(self, text: str) -> int:
        """The number of a text, which one more search has."""
        known = self._number.get(text)
        if known is not None:
            self._uses[known] += 1
            return known
        number = self._free.pop() if self._free else len(self._text)
        if number == len(self._text):
            self._text.append("")
            self._compiled.append(NOTHING)
            self._uses.append(0)
            self._keys.append(())
        self._compiled[number], keys = compiled_with_keys(text, self._weight)
        self._number[text] = number
        self._text[number], self._uses[number] = text, 1
        self._keys[number] = tuple(keys or ())
        if keys is None:
            self._always.add(number)
        for key in keys or ():
            self._waiting.setdefault(key, array("i")).append(number)
            if isinstance(key, Near):
                self._near[key.distance, key.is_whole].add(key.word)
        return number

    def remove(self, number: int) -> None:
        """One search less has the text with this number."""
        self._uses[number] -= 1
        if self._uses[number]:
            return
        del self._number[self._text[number]]
        for key in self._keys[number]:
            self._waiting[key].remove(number)
            if not self._waiting[key]:
                del self._waiting[key]
        self._always.discard(number)
        self._text[number], self._compiled[number], self._keys[number] = "", NOTHING, ()
        self._free.append(number)

    def true_of(self, facts: Facts, asked: NDArray[np.bool_]) -> list[int]:
        """Those of these texts that find the vacancy."""
        maybe = np.zeros(len(self), np.bool_)
        maybe[list(self._always)] = True
        for numbers in self._waiting_for(facts):
            maybe[np.frombuffer(numbers, np.int32)] = True
        chosen = np.flatnonzero(maybe & asked).tolist()
        return [n for n in chosen if _finds(self._text[n], self._compiled[n], facts)]

    def _weight(self, key: Key) -> int:
        return len(self._waiting.get(key, ()))

    def _waiting_for(self, facts: Facts) -> Iterator[array[int]]:
        keys: list[Key] = [*facts.positions]
        keys += [(name, value) for name, values in facts.values.items() for value in values]
        for (distance, is_whole), words in self._near.items():
            near = words.near(facts.whole_words if is_whole else list(facts.positions))
            facts.looked_up[distance, is_whole] = words, near
            keys += [Near(word, distance, is_whole) for word in near]
        for key in keys:
            if numbers := self._waiting.get(key):
                yield numbers


_compiled_without = lru_cache(maxsize=50_000)(compiled)


def _finds(text: str, found: Compiled, facts: Facts) -> bool:
    """Whether the text of a search finds a vacancy. `found` is its condition if there are vacancies
    at all places that it may name.
    """
    absent: frozenset[str] = frozenset()
    while True:
        gone = {one.key for one in found.places if not facts.is_place_known(one)}
        if not gone:
            return found.condition is None or found.condition.holds(facts)
        absent |= gone
        found = _compiled_without(text, absent)


def _filtered(filters: SearchFilters) -> Iterator[tuple[str, str]]:
    """Each value of each filter, once."""
    assert not filters.excluded
    assert filters.time is None
    for name, values in filters.values.items():
        for value in dict.fromkeys(values):
            yield name, intern(value)
