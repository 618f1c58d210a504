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
"""More in one segment only from the beginning, or in a thread: merging is done between messages."""
MOST_WAITING = 1000
MOST_SEGMENTS = 8
"""With more, those behind the first are merged in a thread; all, if they are half as many as it."""


class Side:
    """All vacancies, or all resumes: a large segment, and small ones with what came later."""

    def __init__(self, codes: Codes, *, demands: bool) -> None:
        self._codes = codes
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
        """These have changed, and of them the `opened` are to be found from now on."""
        for segment in self._segments:
            for number in numbers:
                segment.kill(number)
        if self._merging:
            self._killed += numbers
        for number in numbers:
            self._waiting.pop(number, None)
        # Made into a segment once somebody looks: most changes come one after the other.
        self._waiting.update((one.number, one) for one in opened)
        if len(self._waiting) > MOST_WAITING:
            self._take_in()

    def unpacked(self, opened: list[Packed]) -> Columns:
        """These, as a part of a `segment`."""
        return Columns.unpacked(opened, self._codes)

    def segment(self, parts: list[Columns]) -> Segment | None:
        """All these parts in one; they are used up. None when there are none."""
        if not parts:
            return None
        return Segment(Columns.joined(parts), self._codes, demands=self._demands)

    def replace(self, numbers: Any, segment: Segment | None) -> None:
        """These have changed, and what of them is to be found is in the segment."""
        for one in self._segments:
            one.alive &= ~np.isin(one.numbers, numbers)
        if self._merging:
            self._killed += numbers.tolist()
        for number in self._waiting.keys() & set(numbers.tolist()):
            del self._waiting[number]
        if segment is not None:
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
            merged = Segment.merged([before, last], self._codes, demands=self._demands)
            self._segments[-2:] = [merged]

    def is_scattered(self) -> bool:
        """Whether it is time to `gather`."""
        return len(self._segments) > MOST_SEGMENTS and not self._merging

    async def gather(self) -> None:
        """Merge segments in a thread; what changes meanwhile is found and lost as ever."""
        first, *others = self._segments
        whole = len(first) < 2 * sum(len(one) for one in others)
        self._merging, self._killed = [first, *others] if whole else others, []
        try:
            merged = await asyncio.to_thread(
                Segment.merged, list(self._merging), self._codes, demands=self._demands
            )
            for number in self._killed:
                merged.kill(number)
            start = 0 if whole else 1
            self._segments[start : start + len(self._merging)] = [merged]
        finally:
            self._merging, self._killed = [], []
