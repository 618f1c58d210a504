"""The matching index in the memory of this process: derived from the table `comparable`."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.vacancies.recommendations.index.columns import Columns
from hirewire.vacancies.recommendations.index.packing import Packed
from hirewire.vacancies.recommendations.index.prefilter import demands_for, offers_for
from hirewire.vacancies.recommendations.index.scoring import Fit, fitting
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.index.shards import sql_shard
from hirewire.vacancies.recommendations.index.side import Side
from hirewire.vacancies.recommendations.inputs import Demand, Offer

READ_AT_ONCE = 8192
"""The most rows read at once; larger changes are read in parts."""
_COLUMNS = "kind, number, state = 'open' as open, generation, head, skills, languages, words"
_CHANGED = f"""
select {_COLUMNS} from comparable
where generation > $1
    and ($3::integer[] is null or kind = 'resume' or {sql_shard("id")} = any($3))
order by generation limit $2
"""  # noqa: S608
_ALL_CHANGED = text(
    f"""
select {_COLUMNS} from comparable
where generation > :generation
    and (cast(:shards as integer[]) is null or kind = 'resume' or {sql_shard("id")}
        = any(cast(:shards as integer[])))
"""  # noqa: S608
)
_TAKEN_OVER = text(
    f"""
select {_COLUMNS} from comparable
where kind = 'vacancy' and state = 'open' and generation <= :generation
    and {sql_shard("id")} = any(cast(:shards as integer[]))
"""  # noqa: S608
)


class Match(NamedTuple):
    """A vacancy or resume that matches, and how well."""

    id: UUID
    version: int
    """0 for none."""
    score: float
    strength: float


@dataclass
class LongRead:
    """The changes of one side, read in parts."""

    side: Side
    numbers: list[Any] = field(default_factory=lambda: [np.empty(0, np.int64)])
    parts: list[Columns] = field(default_factory=list)


def packed_row(row: Any) -> Packed:
    """A vacancy or resume from a row of `comparable`."""
    return Packed(row.number, row.head, row.skills, row.languages, row.words)


class MatchingIndex:
    """Both sides of the index, as of a generation; with `shards` only of their vacancies."""

    def __init__(self, shards: frozenset[int] | None = None) -> None:
        self.shards = shards
        """Of which shards the vacancies are here; None for all."""
        self.demands = Side(demands=True)
        self.offers = Side(demands=False)
        self.generation = 0
        self._catching_up = asyncio.Lock()
        self._gathering: set[asyncio.Task[None]] = set()

    async def catch_up(self, tx: AsyncConnection) -> None:
        """Apply the changes committed since the last call."""
        async with self._catching_up:
            asked = (self.generation, READ_AT_ONCE + 1, self._listed(self.shards))
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
        """Merge one side after the other: merging doubles the memory that a side takes."""
        for side in (self.demands, self.offers):
            if side.is_scattered():
                await side.gather()

    async def _catch_up_far(self, tx: AsyncConnection) -> None:
        """Apply a large number of changes in parts.

        No part becomes visible before the last one is read, so an interrupted call changes nothing.
        """
        values = {"generation": self.generation, "shards": self._listed(self.shards)}
        reads = {"vacancy": LongRead(self.demands), "resume": LongRead(self.offers)}
        generation = await self._read(tx, _ALL_CHANGED, values, reads)
        await self._replace(reads.values())
        self.generation = generation

    async def hold(self, tx: AsyncConnection, shards: frozenset[int]) -> None:
        """Have the vacancies of these shards, and no others, from now on.

        An interrupted call changes nothing. If some are released, those that stay are read again:
        so the memory of the others is freed.
        """
        async with self._catching_up:
            released = (self.shards or frozenset()) - shards
            side = Side(demands=True) if released else self.demands
            if self.generation:
                read = LongRead(side)
                gained = shards if released else shards - (self.shards or frozenset())
                values = {"generation": self.generation, "shards": self._listed(gained)}
                await self._read(tx, _TAKEN_OVER, values, {"vacancy": read})
                await self._replace([read])
            self.demands, self.shards = side, shards

    @staticmethod
    def _listed(shards: frozenset[int] | None) -> list[int] | None:
        return None if shards is None else sorted(shards)

    async def _read(
        self,
        tx: AsyncConnection,
        statement: TextClause,
        values: Mapping[str, Any],
        reads: Mapping[str, LongRead],
    ) -> int:
        """Read documents in parts, by their kind; returns the newest generation among them."""
        generation = self.generation
        async with tx.stream(statement, values) as found:
            async for rows in found.partitions(READ_AT_ONCE):
                generation = max(generation, *(row.generation for row in rows))
                for kind, read in reads.items():
                    changed = [row for row in rows if row.kind == kind]
                    read.numbers.append(np.array([row.number for row in changed], np.int64))
                    if opened := [packed_row(row) for row in changed if row.open]:
                        read.parts.append(await asyncio.to_thread(read.side.unpacked, opened))
        return generation

    async def _replace(self, reads: Iterable[LongRead]) -> None:
        """Put what was read in the place of the documents with the same numbers, all at once."""
        made = [(one, await asyncio.to_thread(one.side.segment, one.parts)) for one in reads]
        for one, segment in made:
            one.side.replace(np.concatenate(one.numbers), segment)

    def _take(self, rows: Any) -> None:
        for kind, side in (("vacancy", self.demands), ("resume", self.offers)):
            changed = [row for row in rows if row.kind == kind]
            if changed:
                side.change(
                    [row.number for row in changed] if self.generation else [],
                    [packed_row(row) for row in changed if row.open],
                )

    def vacancies_for(self, offer: Offer) -> Iterator[Match]:
        """The vacancies that match a resume."""
        for segment in self.demands:
            yield from _matches(segment, fitting(segment, demands_for(segment, offer), offer))

    def resumes_for(self, demand: Demand) -> Iterator[Match]:
        """The resumes that match a vacancy."""
        for segment in self.offers:
            yield from _matches(segment, fitting(segment, offers_for(segment, demand), demand))


def _matches(segment: Segment, fits: Iterable[Fit]) -> Iterator[Match]:
    ids, versions = segment.column["id"], segment.column["version"]
    for slot, score, strength in fits:
        id = UUID(bytes=ids[slot].tobytes())
        yield Match(id, versions.item(slot), score, strength)


_indexes: WeakKeyDictionary[AsyncEngine, MatchingIndex] = WeakKeyDictionary()


def index_of(tx: AsyncConnection) -> MatchingIndex:
    """The index of the database of `tx`."""
    return _indexes.setdefault(tx.engine, MatchingIndex())


def forget(engine: AsyncEngine) -> None:
    """Discard the index, so that the next use reads everything again, as after a start."""
    _indexes.pop(engine, None)
