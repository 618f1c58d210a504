"""What is compared, in the memory of this process: derived from the table `comparable`."""

import asyncio
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.vacancies.recommendations.arrays import (
    Codes,
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
_CHANGED = """
select kind, number, state = 'open' as open, generation, head, skills, languages, words
from comparable where generation > $1
"""


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

    def _take_in(self) -> None:
        if not self._waiting:
            return
        opened, self._waiting = list(self._waiting.values()), {}
        self._segments.append(Segment(opened, self._codes, demands=self._demands))
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
            rows = (await tx.exec_driver_sql(_CHANGED, (self.generation,))).all()
            if not rows:
                return
            if len(rows) > LARGEST_MERGED:
                await asyncio.to_thread(self._take, rows)
            else:
                self._take(rows)
            self.generation = max(row.generation for row in rows)
            for side in (self.demands, self.offers):
                if side.is_scattered():
                    task = asyncio.create_task(side.gather())
                    self._gathering.add(task)
                    task.add_done_callback(self._gathering.discard)

    def _take(self, rows: Any) -> None:
        for kind, side in (("vacancy", self.demands), ("resume", self.offers)):
            changed = [row for row in rows if row.kind == kind]
            if changed:
                side.change(
                    [row.number for row in changed] if self.generation else [],
                    [
                        Packed(row.number, row.head, row.skills, row.languages, row.words)
                        for row in changed
                        if row.open
                    ],
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
