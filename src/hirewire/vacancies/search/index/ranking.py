"""The numbers by which the values of a field are counted, the most frequent values first.

Among a million documents a few hundred values make up the most frequent thirty of any broad search,
but they are only a small part of all that documents have. So the values are in several columns by
their rank. A column is counted only if one of its values may be frequent enough.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from statistics import median_low
from typing import Any, Self

from pydantic import JsonValue
from tantivy import Query, Searcher

from hirewire.esco.dictionary import OWN
from hirewire.vacancies.search.index.folder import read_json, write_json

TIERS = (256, 1024, 2560, 10_240)
"""The number of the most frequent values in the first column, in the first two, and so on."""
SAMPLE = 20_000
"""The number of documents that the ranks are learnt from. With a fifth of them, values that one in
300 documents has would be taken for rare ones.
"""
OUTGROWN = 5
"""An index ranked by fewer documents than `SAMPLE` is rebuilt once it has this many times as many.
"""
FILE = "ranks.json"
ALL = 2**31
"""A number of values that no segment of an index has."""
STALE_SHARE = 50
"""Bounds are measured again after one document in this many was put: deletions lower counts."""


def rare_column(name: str) -> str:
    """The column of all values without a rank, by their hash."""
    return f"{name}_number"


def columns_of(name: str) -> tuple[str, ...]:
    """The columns of a field. A value is in the same column in all documents."""
    return *(f"{name}_{tier}" for tier in range(len(TIERS))), rare_column(name)


def hash_of(value: str) -> int:
    """52 bits of a value's BLAKE2 hash: as many as fit exactly into a JSON number.

    Among a million values, the probability that two collide is one in ten thousand; their counts
    would then be added.
    """
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest()) >> 12


class Ranking:
    """The ranked values of one field, the most frequent first."""

    def __init__(self, name: str, values: Sequence[str] = ()) -> None:
        self.name = name
        self._columns = columns_of(name)
        self.values = tuple(values[: TIERS[-1]])
        self._numbers = {value: number for number, value in enumerate(self.values)}

    @classmethod
    def learnt(cls, name: str, counts: Counter[str]) -> Self:
        """The ranks of values that are this frequent in a sample.

        What people typed themselves has none: it would outlast the documents it is from.
        """
        # Values that occur once say little: many others are as frequent.
        often = (value for value, count in counts.most_common() if count > 1)
        return cls(name, [value for value in often if not value.startswith(OWN)])

    def place(self, value: str) -> tuple[str, int]:
        """The column and the number of a value."""
        number = self._numbers.get(value)
        if number is None:
            return self._columns[-1], hash_of(value)
        tier = next(nth for nth, end in enumerate(TIERS) if number < end)
        return self._columns[tier], number


class Ranks:
    """The rankings of an index's fields. They hold until the index is rebuilt.

    Counts are exact whatever the ranks are: better ranks only make counting faster.
    """

    def __init__(self, rankings: Iterable[Ranking], sample: int) -> None:
        """`sample`: the number of documents that they were learnt from."""
        self.of = {one.name: one for one in rankings}
        self._sample = sample

    @classmethod
    def learnt(cls, names: Iterable[str], documents: Iterable[Mapping[str, object]]) -> Self:
        """The ranks of the values of these fields by their frequency in these documents."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in names}
        sample = 0
        for document in documents:
            sample += 1
            for name, count in counts.items():
                values = document.get(name)
                count.update(values if isinstance(values, list) else ())
        return cls((Ranking.learnt(name, count) for name, count in counts.items()), sample)

    def suit(self, documents: int) -> bool:
        """Whether they suit an index of this size: a board that began small ranks no value."""
        return self._sample >= SAMPLE or documents < OUTGROWN * SAMPLE

    @classmethod
    def read(cls, folder: Path, names: Iterable[str]) -> Self | None:
        """The stored ranks; None if they are missing or unreadable."""
        stored = read_json(folder, FILE)
        sample, values = stored.get("sample"), stored.get("values")
        if not isinstance(sample, int) or not isinstance(values, dict):
            return None
        lists = {name: values.get(name) for name in names}
        rankings = [
            Ranking(name, [str(one) for one in ones])
            for name, ones in lists.items()
            if isinstance(ones, list)
        ]
        return cls(rankings, sample) if len(rankings) == len(lists) else None

    def write(self, folder: Path) -> None:
        """Store them."""
        values: dict[str, JsonValue] = {name: [*one.values] for name, one in self.of.items()}
        write_json(folder, FILE, {"sample": self._sample, "values": values})


class Bounds:
    """The maximum number of documents with any one value of a column.

    They grow with each value that is put, before searches see it, and are never lowered, so they
    hold for all later commits as well. One thread adds; any may read.
    """

    def __init__(self, names: Iterable[str], searcher: Searcher) -> None:
        """Measure the columns of these fields: the counts of the documents that are seen."""
        ends = dict.fromkeys(map(rare_column, names), 1)
        ends |= {
            column: end
            for name in names
            for column, end in zip(columns_of(name), TIERS, strict=False)
        }
        asked = {
            column: {"terms": {"field": column, "size": end, "segment_size": ALL}}
            for column, end in ends.items()
        }
        counted: dict[str, Any] = searcher.aggregate(Query.all_query(), asked)
        self._documents = int(searcher.num_docs)
        self._put = 0
        self._most: dict[str, int] = {}
        self._usual: dict[str, int] = {}
        self._counts: dict[str, Counter[int]] = {}
        for column in ends:
            counts = {int(b["key"]): int(b["doc_count"]) for b in counted[column]["buckets"]}
            self._most[column] = max(counts.values(), default=0)
            self._usual[column] = median_low(counts.values()) if counts else 0
            # Of the values without a rank only the most frequent one is known. Any may be as
            # frequent, so what is put is added to it.
            is_ranked = ends[column] > 1
            self._counts[column] = Counter(counts if is_ranked else {})
        self._rare = {rare_column(name): self._most[rare_column(name)] for name in names}

    def add(self, places: Iterable[tuple[str, int]]) -> None:
        """Allow for a document with these values: columns and numbers."""
        self._put += 1
        if self.is_stale:
            return  # measured again before searches see it
        for column, number in places:
            counts = self._counts[column]
            counts[number] += 1
            most = counts[number] + self._rare.get(column, 0)
            self._most[column] = max(self._most[column], most)

    @property
    def is_stale(self) -> bool:
        """Whether so much was put that they are worth measuring again."""
        return self._put * STALE_SHARE > self._documents

    def above(self, column: str, least: int) -> list[int] | None:
        """The numbers of all values that more documents than these may have.

        None if they are most values of the column, or not known.
        """
        if self._most[column] <= least:
            return []
        if column in self._rare or least < self._usual[column]:
            return None
        return [number for number, count in list(self._counts[column].items()) if count > least]
