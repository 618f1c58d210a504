"""All vacancies, or all resumes, in segments."""

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np

from hirewire.vacancies.recommendations.index.codes import Codes
from hirewire.vacancies.recommendations.index.columns import Columns
from hirewire.vacancies.recommendations.index.packing import Packed
from hirewire.vacancies.recommendations.index.segment import Segment

LARGEST_MERGED = 8192
"""Larger segments are made only at the start or in a thread; smaller merges run between messages.
"""
MOST_WAITING = 1000
MOST_UNUSED = 1000
"""Codes that no document has any more are dropped beyond this number and twice the codes in use."""
MOST_SEGMENTS = 8
"""Beyond this a thread merges all segments but the first, or all if they are half its size."""


class Side:
    """All vacancies, or all resumes: a large segment, and small ones with later changes."""

    def __init__(self, *, demands: bool) -> None:
        self._codes = Codes()
        self._most_codes = MOST_UNUSED
        self._demands = demands
        self._segments: list[Segment] = []
        self._waiting: dict[int, Packed] = {}
        self._merging: list[Segment] = []
        self._killed: list[int] = []

    def __iter__(self) -> Iterator[Segment]:
        self._take_in()
        return iter(self._segments)

    def __len__(self) -> int:
        return sum(int(segment.alive.sum()) for segment in self)

    def change(self, numbers: list[int], opened: list[Packed]) -> None:
        """Apply changes to these numbers; those in `opened` can be matched from now on."""
        for segment in self._segments:
            for number in numbers:
                segment.kill(number)
        if self._merging:
            self._killed += numbers
        for number in numbers:
            self._waiting.pop(number, None)
        # A segment is made at the next read: changes mostly come in runs.
        self._waiting.update((one.number, one) for one in opened)
        if len(self._waiting) > MOST_WAITING:
            self._take_in()

    def unpacked(self, opened: list[Packed]) -> Columns:
        """These documents as a part for `segment`."""
        return Columns.unpacked(opened, self._codes)

    def segment(self, parts: list[Columns]) -> Segment | None:
        """Merge all parts into a segment and use them up. None if there are no parts."""
        if not parts:
            return None
        return Segment(Columns.joined(parts, self._codes), demands=self._demands)

    def replace(self, numbers: Any, segment: Segment | None) -> None:
        """Replace these numbers by the segment's documents."""
        for one in self._segments:
            one.alive &= ~np.isin(one.numbers, numbers)
        if self._merging:
            self._killed += numbers.tolist()
        for number in self._waiting.keys() & set(numbers.tolist()):
            del self._waiting[number]
        if segment is not None:
            if not self._segments:
                self._most_codes = 2 * len(self._codes) + MOST_UNUSED
            self._segments.append(segment)

    def _take_in(self) -> None:
        if not self._waiting:
            return
        opened, self._waiting = list(self._waiting.values()), {}
        self._segments.append(Segment.of(opened, self._codes, demands=self._demands))
        while len(self._segments) > 1:
            last, before = self._segments[-1], self._segments[-2]
            if len(before) > 2 * len(last) or len(before) + len(last) > LARGEST_MERGED:
                break
            if any(before is one for one in self._merging):
                break
            codes = self._fresh_codes() if len(self._segments) == 2 else self._codes
            merged = Segment.merged([before, last], codes, demands=self._demands)
            self._segments[-2:] = [merged]
            self._count_codes()

    def _fresh_codes(self) -> Codes:
        """The codes for a segment of all documents: empty if there were many unused ones."""
        if len(self._codes) > self._most_codes:
            self._codes, self._most_codes = Codes(), 0
        return self._codes

    def _count_codes(self) -> None:
        """After a merge: set how many codes there may be until the next fresh ones."""
        if not self._most_codes:
            self._most_codes = 2 * len(self._codes) + MOST_UNUSED

    def is_scattered(self) -> bool:
        """Whether `gather` is due."""
        return len(self._segments) > MOST_SEGMENTS and not self._merging

    async def gather(self) -> None:
        """Merge segments in a thread; changes in the meantime take effect as usual."""
        first, *others = self._segments
        whole = len(first) < 2 * sum(len(one) for one in others)
        self._merging, self._killed = [first, *others] if whole else others, []
        codes = self._fresh_codes() if whole else self._codes
        try:
            merged = await asyncio.to_thread(
                Segment.merged, list(self._merging), codes, demands=self._demands
            )
            for number in self._killed:
                merged.kill(number)
            start = 0 if whole else 1
            self._segments[start : start + len(self._merging)] = [merged]
            self._count_codes()
        finally:
            self._merging, self._killed = [], []
