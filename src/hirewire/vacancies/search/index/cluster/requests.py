"""Requests of a search, and what their answers say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from hirewire.vacancies.search.index.cluster.mapping import Clause
from hirewire.vacancies.search.index.cluster.reader import Part
from hirewire.vacancies.search.index.execution import MOST_DEEP
from hirewire.vacancies.search.index.facets import MOST_BUCKETS, Counts
from hirewire.vacancies.search.index.query import FacetCounts, Order, SearchFilters, SearchQuery
from hirewire.vacancies.search.index.schema import IndexSchema

ASKED_OF_SHARDS = 1_000
"""How many values of a facet each shard returns at first. If that may be too few, it returns all.
"""
_RECENT = "recent"
"""The name of the counts by time; no field has it."""
_EXACT: Clause = {"track_total_hits": True, "_source": False}


@dataclass(frozen=True, slots=True)
class Page:
    """Which results to return."""

    order: Order
    after: tuple[int, str] | None
    most: int
    """How many at most."""

    def clauses(self) -> Clause:
        """The order and the limits, as a part of a request.

        By relevance, `after` counts the results seen, and the list ends with `MOST_DEEP`; equally
        good ones are sorted by time.
        """
        if self.order == "relevance":
            seen = self.after[0] if self.after else 0
            size = max(min(self.most, MOST_DEEP - seen), 0)
            sort: list[Clause] = [{"_score": "desc"}, {"time": "desc"}, {"id": "desc"}]
            return {"sort": sort, "size": size, "from": min(seen, MOST_DEEP)}
        sort = [{self.order: {"order": "desc", "missing": 0}}, {"id": "desc"}]
        return {"sort": sort, "size": self.most} | (
            {"search_after": [*self.after]} if self.after else {}
        )

    def places(self, hits: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
        """The positions and ids of these hits."""
        if self.order == "relevance":
            seen = self.after[0] if self.after else 0
            return [(seen + n, hit["_id"]) for n, hit in enumerate(hits, start=1)]
        return [(int(hit["sort"][0]), hit["_id"]) for hit in hits]


class Asked:
    """One search: its filters as clauses, and which of them a facet leaves out."""

    def __init__(self, fields: IndexSchema, query: SearchQuery) -> None:
        self._fields = fields
        self._query = query
        self._filters = _clauses(fields, query.filters)
        self._excluded = excluding(query.filters)
        # If a document must have all chosen values, a count says how many results one more would
        # leave: such a filter holds for its own facet too.
        own = {name for name in query.facets if not fields.of(name).matches_all}
        own |= {"time"} if query.recent else set()
        self._soft = [name for name in self._filters if name in own] if query.facets else []

    @property
    def digest(self) -> str:
        """The same for all pages of a search."""
        return str(crc32(repr(self._query.filters).encode()))

    def having(self, text: Part | None, *without: Part) -> Clause:
        """Documents that have this text but not those, by all filters."""
        return self._matching(text, without, [*self._filters])

    def _matching(self, text: Part | None, without: Sequence[Part], names: Sequence[str]) -> Clause:
        excluded = [*self._excluded, *(part.clause for part in without)]
        filters = [clause for name in names for clause in self._filters[name]]
        must = [] if text is None else [text.clause]
        return {"bool": {"must": must, "filter": filters, "must_not": excluded}}

    def search(self, text: Part | None, page: Page | None, shard_size: int) -> Clause:
        """The request for a page and for all counts. `page` None: only the total and counts."""
        hard = [name for name in self._filters if name not in self._soft]
        request: dict[str, object] = {**_EXACT, "query": self._matching(text, (), hard)}
        request |= {"size": 0} if page is None else page.clauses()
        if self._soft:
            request["post_filter"] = self._all_but(None)
        if self._query.facets:
            request["aggs"] = self._counted(shard_size)
        return request

    def _all_but(self, name: str | None) -> Clause:
        clauses = [one for soft in self._soft if soft != name for one in self._filters[soft]]
        return {"bool": {"filter": clauses}}

    def _counted(self, shard_size: int) -> Clause:
        found: dict[str, Clause] = {}
        for name, size in self._query.facets.items():
            terms = {"field": name, "size": size, "shard_size": max(shard_size, size)}
            found[name] = self._beside(name, {"terms": terms})
        if self._query.recent:
            ranges = [{"key": str(n), "from": low} for n, low in enumerate(self._query.recent)]
            found[_RECENT] = self._beside("time", {"range": {"field": "time", "ranges": ranges}})
        return found

    def _beside(self, name: str, counted: Clause) -> Clause:
        """Counts by all filters but the field's own."""
        return {"filter": self._all_but(name), "aggs": {"of": counted}}

    def is_exact(self, answer: Mapping[str, Any]) -> bool:
        """Whether no shard has left out a value that counts."""
        counted = answer.get("aggregations", {})
        return not any(
            counted[name]["of"].get("doc_count_error_upper_bound") for name in self._query.facets
        )

    def counts(self, answer: Mapping[str, Any]) -> FacetCounts:
        """The counts in an answer."""
        counted = answer.get("aggregations", {})
        facets: dict[str, Counts] = {
            name: [(str(one["key"]), int(one["doc_count"])) for one in _buckets(counted, name)]
            for name in self._query.facets
        }
        recent = {one["key"]: int(one["doc_count"]) for one in _buckets(counted, _RECENT)}
        return FacetCounts(facets, [recent[str(n)] for n in range(len(recent))])


def _buckets(counted: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return list(counted[name]["of"]["buckets"]) if name in counted else []


def total_of(answer: Mapping[str, Any]) -> int:
    """The number of results."""
    return int(answer["hits"]["total"]["value"])


def excluding(filters: SearchFilters) -> list[Clause]:
    """Clauses for documents that may not be found."""
    return [{"terms": {name: [*ones]}} for name, ones in filters.excluded.items() if ones]


def is_there(clause: Clause, excluded: Sequence[Clause]) -> Clause:
    """The request whether a document meets a clause; the cluster stops at the first one."""
    query = {"bool": {"filter": [clause], "must_not": [*excluded]}}
    return {"query": query, "size": 0, "track_total_hits": 1, "terminate_after": 1}


def with_stem(fields: IndexSchema, stem: str) -> Clause:
    """Documents that have a word in any text field."""
    return {"bool": {"should": [{"term": {name: stem}} for name in fields.texts]}}


def distinct(name: str) -> Clause:
    """The request for the number of distinct values of a field, exact up to `MOST_BUCKETS`."""
    terms = {"field": name, "size": MOST_BUCKETS, "shard_size": MOST_BUCKETS}
    number = {"stats_bucket": {"buckets_path": "values>_count"}}
    return {"size": 0, "aggs": {"values": {"terms": terms}, "number": number}}


def label(name: str, value: str) -> Clause:
    """The request for the labels of a document with this value."""
    return {"query": {"term": {name: value}}, "size": 1, "_source": [f"{name}_label"]}


def _clauses(fields: IndexSchema, filters: SearchFilters) -> dict[str, list[Clause]]:
    """The clauses of each filter that is set; a document must meet all of them."""
    found: dict[str, list[Clause]] = {}
    for name, values in filters.values.items():
        if values and fields.of(name).matches_all:
            found[name] = [{"term": {name: value}} for value in values]
        elif values:
            found[name] = [{"terms": {name: [*values]}}]
    for name, (low, high) in filters.ranges.items():
        ends = {"gte": low, "lte": high}
        kept = {end: value for end, value in ends.items() if value is not None}
        found[name] = [{"range": {name: kept}}]
    return found
