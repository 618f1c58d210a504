"""The query and the result types of the search index."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self
from uuid import UUID

from hirewire.vacancies.search.index.parser import ParsedQuery

Order = Literal["time", "pay", "relevance"]
Range = tuple[int | None, int | None]
"""Inclusive at both ends."""


@dataclass(frozen=True)
class SearchFilters:
    """The filters of a search."""

    text: str = ""
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Values by the names of `schema.Filter`."""
    excluded: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pay: Range | None = None
    time: Range | None = None
    """Microseconds since 1970."""

    @property
    def ranges(self) -> dict[str, Range]:
        """The ranges that are set, by field."""
        ends = {"pay": self.pay, "time": self.time}
        return {name: ends for name, ends in ends.items() if ends is not None}

    def since(self, moment: int) -> Self:
        """The filters with a lower limit of the time, in microseconds since 1970."""
        low = max(moment, (self.time or (0, None))[0] or 0)
        return replace(self, time=(low, None))


@dataclass(frozen=True)
class SearchQuery:
    """A query for one page of results."""

    filters: SearchFilters = SearchFilters()
    order: Order = "time"
    """`time` and `pay` sort in descending order."""
    limit: int = 20
    after: tuple[int, str] | None = None
    """The position of the last result seen: its value and id; for relevance, how many were seen."""
    facets: Mapping[str, int] = field(default_factory=dict)
    """The facet fields, and how many values of each to return."""
    recent: Sequence[int] = ()
    """Times in microseconds since 1970; documents since each of them are counted as well."""


@dataclass(frozen=True)
class FacetCounts:
    """The facet counts of a search."""

    facets: dict[str, list[tuple[str, int]]]
    """Values with their counts by field; each facet is counted as if its own filter were not set.
    """
    recent: list[int]


@dataclass(frozen=True)
class SearchResult:
    """A page of results from the index."""

    ids: list[UUID]
    places: list[tuple[int, str]]
    total: int
    parsed: ParsedQuery
    count: Callable[[], FacetCounts]
    """Counts the facets on the same commit of the index. Thread-safe.

    It is slower than the search, so the rows of the results can be read meanwhile.
    """
