"""Runs one search on one commit of the index."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from tantivy import FieldType, Occur, Query, Schema, Searcher
from tantivy import Order as Direction

from hirewire.vacancies.search.index.facets import FacetCache, FacetCounter, count_recent
from hirewire.vacancies.search.index.query import FacetCounts, Order, SearchQuery, SearchResult
from hirewire.vacancies.search.index.query_parser import Matcher, QueryParser
from hirewire.vacancies.search.index.schema import IndexSchema
from hirewire.vacancies.search.index.widening import FEW, NOTHING, STEPS

MOST_DEEP = 1000
"""The maximum length of a list that is sorted by relevance."""
ALIKE = 50
"""How many documents with the same time or pay are read at once; more are read in a second pass."""
_COUNTING = ThreadPoolExecutor(4, thread_name_prefix="counting")
"""Separate from the pool that counts single facets, so that no pool waits for itself."""


class SearchExecution:
    """Finds a page of documents and counts its facets."""

    def __init__(
        self,
        fields: IndexSchema,
        schema: Schema,
        searcher: Searcher,
        cache: FacetCache,
        query: SearchQuery,
        value_of: Callable[[Searcher, str, str, int], str],
    ) -> None:
        """`value_of` returns the value for a number in a column of a ranked field."""
        filters = query.filters
        self._schema = schema
        self._searcher = searcher
        self._query = query
        self._excluded = [
            self._term(name, value) for name, values in filters.excluded.items() for value in values
        ]
        # Scores need the weights of each field. All that is counted, or sorted otherwise, does not.
        parser = QueryParser(schema, searcher, fields.texts, self._excluded)
        self._parsed = parser.parse(filters.text)
        self._matcher = Matcher(schema, searcher, fields.texts, self._excluded)
        self._matched = self._matcher.parse(filters.text).query
        self._filtered = {
            **{
                name: (self._all if fields.of(name).matches_all else self._any)(name, values)
                for name, values in filters.values.items()
                if values
            },
            **{name: self._range(name, *ends) for name, ends in filters.ranges.items()},
        }
        self._facets = FacetCounter(
            fields,
            searcher,
            cache,
            filters,
            self._without,
            partial(value_of, searcher),
            self._count_with,
        )

    def run(self) -> SearchResult:
        """Find the page; the counting runs concurrently."""
        counting = _COUNTING.submit(self._count_beside) if self._query.facets else None
        places: list[tuple[int, str]] = []
        if self._query.step:
            total = self._count(self._without(None))
        elif self._query.order == "relevance":
            total, places = self._best(self._having(self._parsed.query, None))
        else:
            total, places = self._ordered(self._without(None))
        count = self._count_beside if counting is None else counting.result
        found = SearchResult(
            [UUID(id) for _, id in places], places, total, self._parsed, count, [0] * len(places)
        )
        # A search that has begun its widened results goes on with them, whatever was published.
        if self._query.widen and (self._query.step or total < FEW):
            return self._widened(found)
        return found

    def _widened(self, found: SearchResult) -> SearchResult:
        """The page continued with results of related titles and skills, step by step."""
        order: Order = "pay" if self._query.order == "pay" else "time"
        seen, related, widened = self._matched, NOTHING, 0
        places, steps = [*found.places], [*found.steps]
        for step in STEPS:
            parsed = self._matcher.parse(self._query.filters.text, step)
            if seen is None or parsed.query is None or not parsed.related:
                break
            parts = [(Occur.Must, self._having(parsed.query, None)), (Occur.MustNot, seen)]
            whole, seen = Query.boolean_query(parts), parsed.query
            count = self._count(whole)
            widened, related = widened + count, parsed.related
            room = self._query.limit + 1 - len(places)
            if count and room > 0 and step >= self._query.step:
                after = self._query.after if step == self._query.step else None
                _, more = self._page(whole, order, after, room)
                places += more
                steps += [step] * len(more)
        ids = [UUID(id) for _, id in places]
        return replace(found, ids=ids, places=places, steps=steps, related=related, widened=widened)

    def _count_beside(self) -> FacetCounts:
        recent = count_recent(self._searcher, self._without("time"), self._query.recent)
        return FacetCounts(self._facets.count(self._query.facets), recent)

    def _without(self, name: str | None) -> Query:
        """The query without the filter of this name; with all filters for None."""
        return self._having(self._matched, name)

    def _having(self, text: Query | None, name: str | None) -> Query:
        """The same for any query of the text fields."""
        parts = [
            (Occur.Must, Query.const_score_query(query, 0.0))
            for filtered, query in self._filtered.items()
            if filtered != name
        ]
        parts += [(Occur.MustNot, query) for query in self._excluded]
        if text is not None:
            parts.append((Occur.Must, text))
        elif not any(occur == Occur.Must for occur, _ in parts):
            parts.append((Occur.Must, Query.all_query()))
        return parts[0][1] if len(parts) == 1 else Query.boolean_query(parts)

    def _term(self, name: str, value: str) -> Query:
        return Query.term_query(self._schema, name, value, index_option="basic")

    def _any(self, name: str, values: Sequence[str]) -> Query:
        if len(values) == 1:
            return self._term(name, values[0])
        return Query.term_set_query(self._schema, name, list(values))

    def _all(self, name: str, values: Sequence[str]) -> Query:
        return Query.boolean_query([(Occur.Must, self._term(name, value)) for value in values])

    def _range(self, name: str, low: int | None, high: int | None) -> Query:
        return Query.range_query(self._schema, name, FieldType.Unsigned, low, high)

    def _best(self, whole: Query) -> tuple[int, list[tuple[int, str]]]:
        """The total, and the positions and ids of the page and one more, in a single pass."""
        seen = self._query.after[0] if self._query.after else 0
        limit = min(self._query.limit + 1, MOST_DEEP - seen)
        if limit <= 0:
            return self._count(whole), []
        result: Any = self._searcher.search(whole, limit, offset=seen)
        places = [
            (seen + n, self._id(address)) for n, (_, address) in enumerate(result.hits, start=1)
        ]
        return int(result.count), places

    def _ordered(self, whole: Query) -> tuple[int, list[tuple[int, str]]]:
        """The total, and values and ids of the page and one more, by value and then by id."""
        order, after = self._query.order, self._query.after
        left, places = self._page(whole, order, after, self._query.limit + 1)
        return left if after is None else self._count(whole), places

    def _page(
        self, whole: Query, name: str, after: tuple[int, str] | None, most: int
    ) -> tuple[int, list[tuple[int, str]]]:
        """At most this many values and ids after a position, by value and then by id, and the
        number of all with a lower value.

        At the edges of the page, all documents with the same value are read.
        """
        found: list[tuple[int, str]] = []
        query = whole
        if after is not None:
            value, id = after
            found = [place for place in self._with(whole, name, value) if place[1] < id]
            query = _both(whole, self._range(name, 0, value - 1)) if value else Query.empty_query()
        more = most - len(found)
        if more <= 0:
            return 0, found[:most]
        left, hits = self._sorted(query, name, more)
        values = [int(value or 0) for value, _ in hits]
        last = values[-1] if len(hits) == more else None
        found += sorted(
            (
                (value, self._id(address))
                for value, (_, address) in zip(values, hits, strict=True)
                if value != last
            ),
            reverse=True,
        )
        if last is not None:
            found += self._with(query, name, last)
        return left, found[:most]

    def _with(self, whole: Query, name: str, value: int) -> list[tuple[int, str]]:
        """Value and id of all documents with this value, the greatest id first."""
        query = _both(whole, Query.term_query(self._schema, name, value))
        count, hits = self._sorted(query, name, ALIKE)
        if count > ALIKE:
            _, hits = self._sorted(query, name, count)
        return sorted(((value, self._id(address)) for _, address in hits), reverse=True)

    def _sorted(self, query: Query, name: str, most: int) -> tuple[int, list[tuple[Any, Any]]]:
        """The number of documents, and values and addresses of those with the highest values."""
        result: Any = self._searcher.search(query, most, order_by_field=name, order=Direction.Desc)
        return int(result.count), result.hits

    def _count_with(self, query: Query, name: str, value: str) -> int:
        return self._count(_both(query, self._term(name, value)))

    def _count(self, query: Query) -> int:
        result: Any = self._searcher.search(query, 1)  # tantivy's type stub lacks the count
        return int(result.count)

    def _id(self, address: Any) -> str:
        return str(self._searcher.doc(address).get_first("id"))


def _both(one: Query, other: Query) -> Query:
    return Query.boolean_query([(Occur.Must, one), (Occur.Must, Query.const_score_query(other, 0))])
