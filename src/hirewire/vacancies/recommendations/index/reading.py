"""Reads documents from the arrays as input of the exact scorer, many at once.

Reading a value from an array takes as long as reading ten from a list. So each array is converted
to a list once for all documents of a part.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise, repeat
from typing import Any, TypeAlias, TypeVar

import numpy as np

from hirewire.vacancies.recommendations.index.codes import Codes, Ints
from hirewire.vacancies.recommendations.index.columns import Rows
from hirewire.vacancies.recommendations.index.packing import Packed
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.inputs import Ask, Demand, Have, Offer

T = TypeVar("T", Ask, Have)
_Shared: TypeAlias = tuple[
    list[int], dict[int, Any], dict[int, Any], tuple[float, float] | None, list[tuple[int, int]]
]
"""Words, similar occupations, the title's occupations, pay and languages."""
READ_AT_ONCE = 256
"""The maximum number of documents read at once; it bounds the memory for their objects."""


def demands_from(segment: Segment, slots: Ints) -> Iterator[Demand]:
    """The vacancies at these slots."""
    for start in range(0, len(slots), READ_AT_ONCE):
        yield from _demands(_Part(segment, slots[start : start + READ_AT_ONCE]))


def offers_from(segment: Segment, slots: Ints) -> Iterator[Offer]:
    """The resumes at these slots."""
    for start in range(0, len(slots), READ_AT_ONCE):
        yield from _offers(_Part(segment, slots[start : start + READ_AT_ONCE]))


def unpacked_demands(packed: Iterable[Packed]) -> list[Demand]:
    """Vacancies from the tables' format, in ascending order of their numbers."""
    segment = Segment.of(list(packed), Codes(), demands=True)
    return list(demands_from(segment, np.arange(len(segment))))


def unpacked_offers(packed: Iterable[Packed]) -> list[Offer]:
    """Resumes from the tables' format, in ascending order of their numbers."""
    segment = Segment.of(list(packed), Codes(), demands=False)
    return list(offers_from(segment, np.arange(len(segment))))


class _Part:
    """Some documents, read one attribute at a time."""

    def __init__(self, segment: Segment, slots: Ints) -> None:
        self.segment = segment
        self.slots = slots

    def values(self, name: str) -> list[Any]:
        """A scalar attribute of each document."""
        found: list[Any] = self.segment.column[name][self.slots].tolist()
        return found

    def mappings(self, keys: str, values: str, none: int) -> Iterator[dict[int, Any]]:
        """Two arrays of each document as keys and values; the key `none` stands for no item."""
        for mine, theirs in zip(self.values(keys), self.values(values), strict=True):
            found = dict(zip(mine, theirs, strict=True))
            found.pop(none, None)
            yield found

    def pays(self) -> Iterator[tuple[float, float] | None]:
        """Lowest and highest pay of each document."""
        for least, most in zip(self.values("least"), self.values("most"), strict=True):
            yield None if least != least else (least, most)

    def items(self, rows: Rows) -> tuple[Ints, list[tuple[int, int]]]:
        """The positions of their items in the arrays, and the range of each document in it."""
        at, _ = rows.positions(self.slots)
        ends = np.cumsum(rows.ends[self.slots + 1] - rows.ends[self.slots])
        return at, list(pairwise([0, *ends.tolist()]))

    def languages(self) -> Iterator[list[tuple[int, int]]]:
        """Code and level of the languages of each document."""
        at, ranges = self.items(self.segment.languages)
        found = self.segment.language[at].tolist()
        return (found[start:end] for start, end in ranges)

    def words(self) -> Iterator[list[int]]:
        """The codes of the words of each document."""
        at, ranges = self.items(self.segment.words)
        found = self.segment.word[at].tolist()
        return (found[start:end] for start, end in ranges)

    def shared(self) -> Iterator[_Shared]:
        """The attributes that vacancies and resumes both have, but the scalar ones."""
        return zip(
            self.words(),
            self.mappings("occupations", "likeness", -1),
            self.mappings("jobs", "sure", 0),
            self.pays(),
            self.languages(),
            strict=True,
        )


def _demands(part: _Part) -> Iterator[Demand]:
    segment = part.segment
    at, ranges = part.items(segment.skills)
    number = segment.code[at]
    weights = segment.codes.weights[number].tolist()
    must, level = segment.is_must[at].astype(np.bool_).tolist(), segment.level[at].tolist()
    codes = list(map(segment.codes.codes.__getitem__, number.tolist()))
    close = list(map(segment.codes.close.__getitem__, number.tolist()))
    asks = _made(Ask, codes, must, level, weights, close)
    columns = (
        *("level", "fields", "band", "area", "formats", "employment", "currency", "company"),
        "presumed",
    )
    for (start, end), (words, occupation, jobs, pay, languages), (
        rank,
        fields,
        band,
        area,
        formats,
        employment,
        currency,
        company,
        presumed,
    ) in zip(ranges, part.shared(), zip(*map(part.values, columns), strict=True), strict=True):
        yield Demand(
            skills=asks[start:end],
            weight=sum(weights[start:end]),
            title=frozenset(words),
            occupation=occupation,
            jobs=jobs,
            level=rank,
            fields=frozenset(filter(None, fields)),
            band=_known(band),
            area=_known(area),
            work_format=formats or None,
            employment=employment or None,
            pay=pay,
            currency=_known(currency),
            languages=languages,
            company=company,
            presumed=presumed,
        )


def _offers(part: _Part) -> Iterator[Offer]:
    segment = part.segment
    at, ranges = part.items(segment.skills)
    number = segment.code[at]
    places = segment.place[at]
    weights = np.where(places < 0, 0.0, segment.codes.weights[number]).tolist()
    level, place = segment.level[at].tolist(), np.where(places < 0, ~places, places).tolist()
    codes = list(map(segment.codes.codes.__getitem__, number.tolist()))
    haves = _made(Have, level, weights, place)
    titles = ("level", "fields", "shown")
    columns = (*titles, "months", "area", "relocation", "formats", "employment", "currency")
    for (start, end), (words, occupation, jobs, pay, languages), (
        rank,
        fields,
        shown,
        months,
        area,
        relocation,
        formats,
        employment,
        currency,
    ) in zip(ranges, part.shared(), zip(*map(part.values, columns), strict=True), strict=True):
        title = words.index(0)
        yield Offer(
            skills=dict(zip(codes[start:end], haves[start:end], strict=True)),
            weight=sum(weights[start:end]),
            title=frozenset(words[:title]),
            occupation=occupation,
            jobs=jobs,
            level=rank,
            fields=frozenset(filter(None, fields)),
            shown=frozenset(filter(None, shown)),
            months=months,
            area=_known(area),
            relocation=bool(relocation),
            work_formats=formats,
            employment=employment,
            pay=None if pay is None else pay[0],
            currency=_known(currency),
            languages=dict(languages),
            hidden_from=frozenset(words[title + 1 :]),
        )


def _made(kind: type[T], *columns: list[Any]) -> list[T]:
    """Named tuples of these columns, in half the time that their constructor takes."""
    return list(map(tuple.__new__, repeat(kind), zip(*columns, strict=True)))


def _known(value: int) -> int | None:
    return None if value < 0 else value
