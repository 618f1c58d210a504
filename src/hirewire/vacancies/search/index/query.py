"""The query and the result types of the search index."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self
from uuid import UUID

from hirewire.vacancies.search.index.parser import ParsedQuery
from hirewire.vacancies.search.index.widening import NOTHING, Related

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
    widen: bool = False
    """Whether few results are followed by those of related titles and skills."""
    step: int = 0
    """The step of widening that `after` belongs to; 0 for the results of the words themselves.

    In each step, results are ordered by value and id; by relevance, the newest come first.
    """
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
    """The number of results of the words themselves. Facets count these alone."""
    parsed: ParsedQuery[Any]
    count: Callable[[], FacetCounts]
    """Counts the facets on the same commit of the index. Thread-safe.

    It is slower than the search, so the rows of the results can be read meanwhile.
    """
    steps: list[int] = field(default_factory=list)
    """The step of widening by which each of `ids` was found; 0 for the words themselves."""
    related: Related = NOTHING
    """What the search was widened by; empty if it was not."""
    widened: int = 0
    """The number of results that only widening finds."""
