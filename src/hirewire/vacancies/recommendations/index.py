"""What is compared, in the memory of this process: derived from the table `comparable`."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.vacancies.recommendations.arrays import (
    Codes,
    Columns,
    Packed,
    Segment,
    demand_from,
    demands_for,
    offer_from,
    offers_for,
)
from hirewire.vacancies.recommendations.rules import Demand, Judgement, Offer, judge

LARGEST_MERGED = 8192
"""More in one segment only from the beginning, or in a thread: merging is done between messages."""
MOST_WAITING = 1000
MOST_SEGMENTS = 8
"""With more, those behind the first are merged in a thread; all, if they are half as many as it."""
READ_AT_ONCE = 8192
"""Rows; of more than this that have changed, no more are held as rows at a time."""
_COLUMNS = "kind, number, state = 'open' as open, generation, head, skills, languages, words"
_CHANGED = f"select {_COLUMNS} from comparable where generation > $1 order by generation limit $2"  # noqa: S608
_ALL_CHANGED = text(f"select {_COLUMNS} from comparable where generation > :generation")  # noqa: S608


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


@dataclass
class Far:
    """What has changed on one side, while it is read in parts."""

    numbers: list[Any] = field(default_factory=list)
    parts: list[Columns] = field(default_factory=list)


def _packed(row: Any) -> Packed:
    return Packed(row.number, row.head, row.skills, row.languages, row.words)


class Index:
    """Both sides as of a generation."""

    def __init__(self) -> None:
        codes = Codes()
        self.demands = Side(codes, demands=True)
        self.offers = Side(codes, demands=False)
        self.generation = 0
        self._catching_up = asyncio.Lock()
        self._gathering: set[asyncio.Task[None]] = set()

    async def catch_up(self, tx: AsyncConnection) -> None:
        """Take over what has been committed since the last time."""
        async with self._catching_up:
            asked = (self.generation, READ_AT_ONCE + 1)
            rows = (await tx.exec_driver_sql(_CHANGED, asked)).all()
            if not rows:
                return
            if len(rows) > READ_AT_ONCE:
                del rows
                await self._catch_up_far(tx)
            else:
                self._take(rows)
                self.generation = max(row.generation for row in rows)
            if not self._gathering and (self.demands.is_scattered() or self.offers.is_scattered()):
                task = asyncio.create_task(self._gather())
                self._gathering.add(task)
                task.add_done_callback(self._gathering.discard)

    async def _gather(self) -> None:
        """One side after the other: while it is merged, a side takes its memory twice."""
        for side in (self.demands, self.offers):
            if side.is_scattered():
                await side.gather()

    async def _catch_up_far(self, tx: AsyncConnection) -> None:
        """Take over very much: in parts, none of which is to be found before the last one is here,
        so that whoever is cut short has changed nothing.
        """
        generation = self.generation
        sides = {"vacancy": (self.demands, Far()), "resume": (self.offers, Far())}
        async with tx.stream(_ALL_CHANGED, {"generation": self.generation}) as found:
            async for rows in found.partitions(READ_AT_ONCE):
                generation = max(generation, *(row.generation for row in rows))
                for kind, (side, far) in sides.items():
                    changed = [row for row in rows if row.kind == kind]
                    far.numbers.append(np.array([row.number for row in changed], np.int64))
                    if opened := [_packed(row) for row in changed if row.open]:
                        far.parts.append(await asyncio.to_thread(side.unpacked, opened))
        made = [
            (side, far, await asyncio.to_thread(side.segment, far.parts))
            for side, far in sides.values()
        ]
        for side, far, segment in made:
            side.replace(np.concatenate(far.numbers), segment)
        self.generation = generation

    def _take(self, rows: Any) -> None:
        for kind, side in (("vacancy", self.demands), ("resume", self.offers)):
            changed = [row for row in rows if row.kind == kind]
            if changed:
                side.change(
                    [row.number for row in changed] if self.generation else [],
                    [_packed(row) for row in changed if row.open],
                )

    def vacancies_for(self, offer: Offer) -> Iterator[tuple[Segment, int, Judgement]]:
        """The vacancies that a resume fits, and how well."""
        for segment in self.demands:
            for slot in demands_for(segment, offer).tolist():
                found = judge(demand_from(segment, slot), offer)
                if found.fits:
                    yield segment, slot, found

    def resumes_for(self, demand: Demand) -> Iterator[tuple[Segment, int, Judgement]]:
        """The resumes that fit a vacancy, and how well."""
        for segment in self.offers:
            for slot in offers_for(segment, demand).tolist():
                found = judge(demand, offer_from(segment, slot))
                if found.fits:
                    yield segment, slot, found


_indexes: WeakKeyDictionary[AsyncEngine, Index] = WeakKeyDictionary()


def index_of(tx: AsyncConnection) -> Index:
    """The index of the database that `tx` speaks to."""
    return _indexes.setdefault(tx.engine, Index())


def forget(engine: AsyncEngine) -> None:
    """Read everything again when it is needed next, as after a start."""
    _indexes.pop(engine, None)
