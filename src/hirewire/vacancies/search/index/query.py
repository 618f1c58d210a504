"""A search as the index is asked, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self
from uuid import UUID

from hirewire.vacancies.search.index.parser import ParsedQuery

Order = Literal["time", "pay", "relevance"]
Range = tuple[int | None, int | None]
"""Both ends belong to it."""


@dataclass(frozen=True)
class SearchFilters:
    """Which documents are searched."""

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
        """Only what is not older than this, microseconds since 1970."""
        low = max(moment, (self.time or (0, None))[0] or 0)
        return replace(self, time=(low, None))


@dataclass(frozen=True)
class SearchQuery:
    """A page of a search."""

    filters: SearchFilters = SearchFilters()
    order: Order = "time"
    """`time` and `pay`: the greatest first."""
    limit: int = 20
    after: tuple[int, str] | None = None
    """The place of the last one seen: its value and id, or, by relevance, how many were seen."""
    facets: Mapping[str, int] = field(default_factory=dict)
    """Fields to count by, with the number of values of each."""
    recent: Sequence[int] = ()
    """Count also what is not older than these times, microseconds since 1970."""


@dataclass(frozen=True)
class FacetCounts:
    """The counts beside a list."""

    facets: dict[str, list[tuple[str, int]]]
    """Each counts as if its own filter were not set."""
    recent: list[int]


@dataclass(frozen=True)
class SearchResult:
    """A page of a search, as the index has it."""

    ids: list[UUID]
    places: list[tuple[int, str]]
    total: int
    parsed: ParsedQuery
    count: Callable[[], FacetCounts]
    """Count on the same state of the index. Takes longer than finding, so that the rows can be
    read meanwhile. Thread-safe."""
