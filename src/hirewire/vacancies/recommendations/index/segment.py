"""An immutable set of vacancies or resumes in arrays."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.esco.job_codes import OWN_TITLE, unit_group
from hirewire.vacancies.recommendations.index.codes import Codes, Ints, Mask
from hirewire.vacancies.recommendations.index.columns import Columns, Rows, inverted
from hirewire.vacancies.recommendations.index.packing import Packed
from hirewire.vacancies.recommendations.rules import (
    EXPERIENCE,
    OCCUPATION,
    SALARY,
    SKILLS,
    THRESHOLD,
    TITLE,
)

_NO_SLOTS = np.empty(0, np.int32)
EPSILON = 1e-6
ROUNDED_UP = 0.5e-4
"""By how much a strength may lie below the threshold and be rounded to it."""
LEAST_SKILLS = (THRESHOLD - ROUNDED_UP - OCCUPATION - TITLE - EXPERIENCE - SALARY) / SKILLS
"""The geometric mean of skills that a match needs if all other parts are at their best."""


class Segment:
    """An immutable set of vacancies or resumes; only deletion marks change.

    Sorted by number; each number occurs once.
    """

    def __init__(self, columns: Columns, *, demands: bool) -> None:
        self.columns = columns
        self.codes = codes = columns.codes
        self.column = column = columns.of
        self.numbers, self.weight = column["number"], column["weight"]
        self.occupations, self.likeness = column["occupations"], column["likeness"]
        self.last_occupation = int(self.occupations.max(initial=0))
        self.jobs, self.sure = column["jobs"], column["sure"]
        self._index_jobs()
        (skill, self.skills) = columns.lists["skills"]
        self.code, self.level = skill["number"], skill["level"]
        self.place, self.is_must = skill["place"], skill["must"]
        (language, self.languages) = columns.lists["languages"]
        (word, self.words) = columns.lists["words"]
        self.language, self.word = language["language"], word["word"]
        self.alive = np.ones(len(self.numbers), np.bool_)
        owner = np.repeat(np.arange(len(self.numbers), dtype=np.int32), self.skills.lengths)
        if demands:
            self._index_demands(owner)
        else:
            self.inverted = inverted(self.code, owner, len(codes))

    @classmethod
    def of(cls, packed: Sequence[Packed], codes: Codes, *, demands: bool) -> "Segment":
        """A segment of these documents."""
        return cls(Columns.unpacked(packed, codes), demands=demands)

    @classmethod
    def merged(cls, segments: Iterable["Segment"], codes: Codes, *, demands: bool) -> "Segment":
        """A segment of the live documents of these segments, with the numbers of `codes`."""
        parts = list(segments)
        columns, alive = [one.columns for one in parts], [one.alive for one in parts]
        return cls(Columns.joined(columns, codes, alive), demands=demands)

    def _index_jobs(self) -> None:
        """Index the documents by the groups of related occupations that their titles mean."""
        slot, nth = np.nonzero(self.jobs)
        pairs = groups(self.jobs[slot, nth]).astype(np.int64) << 32 | slot
        pairs = np.unique(pairs)
        self._groups = (pairs >> 32).astype(np.int32)
        self._grouped = pairs.astype(np.int32)

    def with_jobs(self, jobs: Iterable[int]) -> Ints:
        """Slots of the live documents with one of these occupations or a related one, ascending."""
        related = distinct(groups(np.array(list(jobs), np.int32)))
        low, high = (np.searchsorted(self._groups, related, side) for side in ("left", "right"))
        found = [self._grouped[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        slots = found[0] if len(found) == 1 else distinct(np.concatenate([_NO_SLOTS, *found]))
        return slots[self.alive[slots]].astype(np.int64)

    def _index_demands(self, owner: Any) -> None:
        """Index each vacancy by its rarest must-have, or all skills of which a match needs one."""
        count = len(self.codes)
        popular = np.bincount(self.code, minlength=count)
        at = np.flatnonzero(self.is_must)
        self.musts = Rows.of(np.bincount(owner[at], minlength=len(self)))
        self.must = self.code[at]
        order = np.lexsort((popular[self.code[at]], owner[at]))
        first = np.ones(len(at), np.bool_)
        first[1:] = np.diff(owner[at][order]) != 0
        probes = at[order][first]
        self.inverted = inverted(self.code[probes], owner[probes], count)
        no_must = self.musts.lengths == 0
        rest = np.flatnonzero(no_must[owner])
        # The commonest come last: they can be skipped once the remaining weight is too small.
        order = rest[np.lexsort((popular[self.code[rest]], owner[rest]))]
        weights, owners = self.codes.weights[self.code[order]], owner[order]
        before = np.cumsum(weights) - weights
        starts = np.ones(len(order), np.bool_)
        starts[1:] = np.diff(owners) != 0
        base = np.repeat(before[starts], np.diff(np.append(np.flatnonzero(starts), len(order))))
        left = self.weight[owners] - (before - base)
        needed = left >= LEAST_SKILLS**2 * self.weight[owners] - EPSILON
        self.prefixes = inverted(self.code[order][needed], owners[needed], count)

    def __len__(self) -> int:
        return len(self.numbers)

    def slot(self, number: int) -> int | None:
        """The slot of a number, deleted or not."""
        at = int(np.searchsorted(self.numbers, number))
        return at if at < len(self.numbers) and self.numbers[at] == number else None

    def kill(self, number: int) -> None:
        """Mark a number as deleted, if it is here."""
        if (slot := self.slot(number)) is not None:
            self.alive[slot] = False

    def asked(self) -> NDArray[np.int64]:
        """The number of live documents with each skill, by the skill's number."""
        alive = np.repeat(self.alive, self.skills.lengths)
        return np.bincount(self.code[alive], minlength=len(self.codes))

    def having(self, skill: int) -> Mask:
        """Which resumes have a skill, by its code."""
        found: Mask = np.zeros(len(self), np.bool_)
        number = self.codes.number(skill)
        if number is not None:
            found[owners_of(*self.inverted, number)] = True
        return found

    def speaking(self, language: int, level: int) -> Mask:
        """Which documents name no language, or this one at this level or above."""
        good = (self.language["code"] == language) & (self.language["level"] >= level)
        silent: Mask = self.languages.lengths == 0
        return silent | self._with_any(self.languages, good)

    def hidden_from(self, company: int) -> Mask:
        """Which resumes are hidden from a company."""
        return self._with_any(self.words, self.word == company)

    def _with_any(self, rows: Rows, items: Mask) -> Mask:
        """Which rows have one of these items in their list."""
        found: Mask = np.zeros(len(self), np.bool_)
        found[np.searchsorted(rows.ends, np.flatnonzero(items), "right") - 1] = True
        return found


def groups(jobs: NDArray[np.int32]) -> NDArray[np.int32]:
    """The numbers under which related occupations are indexed; an unknown title has its own."""
    return np.where(jobs >= OWN_TITLE, jobs, unit_group(jobs) // 10).astype(np.int32)


def owners_of(rows: Rows, owners: NDArray[np.int32], number: int) -> Ints:
    """The owners of a number, ascending."""
    if number >= len(rows.ends) - 1:
        return np.empty(0, np.int64)
    return owners[rows.ends[number] : rows.ends[number + 1]].astype(np.int64)


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """These values, ascending, each once."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
