"""Exact counts of the most frequent values of a field, shown beside a list."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from tantivy import Query, Searcher

from hirewire.vacancies.search.index.query import SearchFilters
from hirewire.vacancies.search.index.ranking import ALL, Bounds, columns_of
from hirewire.vacancies.search.index.schema import IndexSchema

MOST_BUCKETS = 65_000
CANDIDATES = 3
"""How many values of an open-ended field are estimated, as a multiple of the number shown."""
FEW_VALUES = 32
"""So many values are counted one by one rather than with all of their column."""
MOST_CACHED = 4_000
"""The maximum number of cached facets, of at most 30 values each."""
_THREADS = ThreadPoolExecutor(4, thread_name_prefix="facets")

Counts = list[tuple[str, int]]


class FacetCache:
    """A cache of the facets of one commit of the index: broad searches repeat and are the slowest.

    Thread-safe.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        """The bounds of the columns of ranked fields at this commit."""
        self._counts: dict[Hashable, Counts] = {}
        self._lock = Lock()

    def get(self, key: Hashable) -> Counts | None:
        """The cached counts; None if there are none."""
        with self._lock:
            return self._counts.get(key)

    def put(self, key: Hashable, counts: Counts) -> None:
        """Cache these counts; if the cache is full, drop the oldest entry."""
        with self._lock:
            if len(self._counts) >= MOST_CACHED:
                del self._counts[next(iter(self._counts))]
            self._counts[key] = counts


class FacetCounter:
    """Counts the facets of one search on one commit of the index.

    `query_without` makes the query without one of its filters; `value_of` returns the value for a
    number in a column of a ranked field; `count_with` counts the results that have one value.
    """

    def __init__(
        self,
        schema: IndexSchema,
        searcher: Searcher,
        cache: FacetCache,
        filters: SearchFilters,
        query_without: Callable[[str | None], Query],
        value_of: Callable[[str, str, int], str],
        count_with: Callable[[Query, str, str], int],
    ) -> None:
        self._schema = schema
        self._searcher = searcher
        self._cache = cache
        self._filters = filters
        self._query_without = query_without
        self._value_of = value_of
        self._count_with = count_with

    def count(self, sizes: Mapping[str, int]) -> dict[str, Counts]:
        """The facets of these fields. Fields that share a query are counted in one pass."""
        found: dict[str, Counts] = {}
        keys: dict[str, Hashable] = {}
        groups: dict[Hashable, tuple[str | None, dict[str, int]]] = {}
        for name, size in sizes.items():
            one = self._schema.of(name)
            # If a document must have all chosen values, a count says how many results one more
            # would leave.
            is_set = bool(self._filters.values.get(name)) and not one.matches_all
            without = name if is_set else None
            keys[name] = name, size, *self._key(without)
            cached = self._cache.get(keys[name])
            if cached is not None:
                found[name] = cached
            else:  # ranked fields take the longest: count each in parallel
                alone = name if one.is_ranked else None
                groups.setdefault((without, alone), (without, {}))[1][name] = size
        parts = [(self._query_without(without), sizes) for without, sizes in groups.values()]
        run = _THREADS.map if len(parts) > 1 else map
        for counted in run(lambda part: self._count(*part), parts):
            found |= counted
            for name, counts in counted.items():
                self._cache.put(keys[name], counts)
        return {name: found[name] for name in sizes}

    def _key(self, without: str | None) -> tuple[Hashable, ...]:
        """The cache key: all filters except this one."""

        def of(values: Mapping[str, Sequence[str]]) -> Hashable:
            return frozenset(
                (name, frozenset(ones)) for name, ones in values.items() if ones and name != without
            )

        filters = self._filters
        return filters.text, of(filters.values), of(filters.excluded), filters.pay, filters.time

    def _count(self, query: Query, sizes: Mapping[str, int]) -> dict[str, Counts]:
        """Count the values of these fields: value and count by field, most frequent first."""
        ranked = {name: n for name, n in sizes.items() if self._schema.of(name).is_ranked}
        whole = {name: n for name, n in sizes.items() if name not in ranked}
        counted = {name: self._count_ranked(query, name, n) for name, n in ranked.items()}
        return counted | (self._count_whole(query, whole) if whole else {})

    def _count_ranked(self, query: Query, name: str, size: int) -> Counts:
        """Count the column of the most frequent values, then those that may have others as
        frequent in the results. If few of a column may be, only these are counted.
        """
        first, *others = columns_of(name)
        found = self._numbers(query, [first], size)
        least = found[size - 1][0] if len(found) >= size else 0
        # A narrow search has no frequent values. What is left is then counted in one pass.
        is_narrow = self._cache.bounds.above(others[-2], least) is None
        for columns in [others] if is_narrow else [others[:-2], others[-2:]]:
            found += self._likely(query, name, columns, least, size)
            found = sorted((one for one in found if one[0]), reverse=True)
            least = found[size - 1][0] if len(found) >= size else 0
        return [
            (self._value_of(name, column, number), count) for count, column, number in found[:size]
        ]

    def _likely(
        self, query: Query, name: str, columns: Sequence[str], least: int, size: int
    ) -> list[tuple[int, str, int]]:
        """All numbers of these columns that may have more results than these, and others."""
        found, whole = [], []
        for column in columns:
            likely = self._cache.bounds.above(column, least)
            if likely is None or len(likely) > FEW_VALUES:
                whole.append(column)
                continue
            for number in likely:
                count = self._count_with(query, name, self._value_of(name, column, number))
                found.append((count, column, number))
        return found + (self._numbers(query, whole, size) if whole else [])

    def _numbers(
        self, query: Query, columns: Sequence[str], size: int
    ) -> list[tuple[int, str, int]]:
        """The most frequent numbers of each column: count, column and number."""
        how = {"size": size, "segment_size": ALL}
        counted = self._aggregate(query, dict.fromkeys(columns, how))
        return [
            (int(bucket["doc_count"]), column, int(bucket["key"]))
            for column in columns
            for bucket in counted[column]["buckets"]
        ]

    def _count_whole(self, query: Query, sizes: Mapping[str, int]) -> dict[str, Counts]:
        """Count fields by their values.

        Each segment of the index returns its most frequent values of an open-ended field. If one
        might be missing or undercounted, the returned values are counted again; if doubt remains,
        all values are counted.
        """
        first = self._aggregate(query, {name: self._asked(name, n) for name, n in sizes.items()})
        counted = {}
        for name, size in sizes.items():
            buckets = first[name]["buckets"]
            if missed := first[name].get("doc_count_error_upper_bound") or 0:
                # The highest possible count of a value that was not returned.
                is_cut = len(buckets) == CANDIDATES * size
                unnamed = missed + (buckets[-1]["doc_count"] if is_cut else 0)
                again = {"size": len(buckets), "include": [bucket["key"] for bucket in buckets]}
                buckets = self._aggregate(query, {name: again})[name]["buckets"]
                if len(buckets) < size or buckets[size - 1]["doc_count"] < unnamed:
                    everything = {"size": size, "segment_size": MOST_BUCKETS}
                    buckets = self._aggregate(query, {name: everything})[name]["buckets"]
            counted[name] = [(str(b["key"]), int(b["doc_count"])) for b in buckets[:size]]
        return counted

    def _asked(self, name: str, size: int) -> dict[str, int]:
        if self._schema.of(name).is_open:
            return {"size": CANDIDATES * size, "segment_size": 1000}
        return {"size": size, "segment_size": MOST_BUCKETS}

    def _aggregate(self, query: Query, terms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        asked = {name: {"terms": {"field": name, **how}} for name, how in terms.items()}
        result: dict[str, Any] = self._searcher.aggregate(query, asked)
        return result


def count_distinct(searcher: Searcher, cache: FacetCache, name: str) -> int:
    """The number of distinct values of a field, exact up to `MOST_BUCKETS`."""
    key = "distinct", name
    counted = cache.get(key)
    if counted is None:
        terms = {"field": name, "size": MOST_BUCKETS, "segment_size": MOST_BUCKETS}
        found: dict[str, Any] = searcher.aggregate(Query.all_query(), {name: {"terms": terms}})
        counted = [(name, len(found[name]["buckets"]))]
        cache.put(key, counted)
    return counted[0][1]


def count_recent(searcher: Searcher, query: Query, moments: Sequence[int]) -> list[int]:
    """The number of documents since each of these times, in one pass."""
    ordered = sorted(moments)
    if not ordered:
        return []
    ranges = [
        {"from": low} if high is None else {"from": low, "to": high}
        for low, high in zip(ordered, [*ordered[1:], None], strict=True)
        if low != high
    ]
    counted: dict[str, Any] = searcher.aggregate(
        query, {"time": {"range": {"field": "time", "ranges": ranges}}}
    )
    buckets = counted["time"]["buckets"]
    return [
        sum(int(b["doc_count"]) for b in buckets if b.get("from", -1) >= moment)
        for moment in moments
    ]
