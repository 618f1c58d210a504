"""Searches an index in a cluster."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from opensearchpy import AsyncOpenSearch

from hirewire.vacancies.search.index.cluster import requests
from hirewire.vacancies.search.index.cluster.answers import Breaker
from hirewire.vacancies.search.index.cluster.mapping import Clause
from hirewire.vacancies.search.index.cluster.reader import ClusterReader, Part, Vocabulary
from hirewire.vacancies.search.index.cluster.requests import ASKED_OF_SHARDS, Asked, Page
from hirewire.vacancies.search.index.documents import KEYS
from hirewire.vacancies.search.index.engine import (
    Board,
    Refreshed,
    SearchNotReady,
    SearchUnavailable,
)
from hirewire.vacancies.search.index.facets import MOST_BUCKETS
from hirewire.vacancies.search.index.highlights import highlighted_words
from hirewire.vacancies.search.index.parser import ParsedQuery
from hirewire.vacancies.search.index.query import FacetCounts, Order, SearchQuery, SearchResult
from hirewire.vacancies.search.index.schema import IndexSchema
from hirewire.vacancies.search.index.widening import FEW, NOTHING, STEPS

AT_ONCE = 100
"""How many short requests are sent together."""
MOST_LABELS = 2_000
"""The maximum number of cached labels. If the cache is full, it is emptied."""
# A part of an answer would be a wrong one.
_WHOLE = {"allow_partial_search_results": "false"}


class ClusterSearch(Refreshed):
    """Searches an index by its alias, with requests that wait for nothing but the cluster."""

    def __init__(self, client: AsyncOpenSearch, fields: IndexSchema, alias: str) -> None:
        self._client = client
        self._fields = fields
        self._alias = alias
        self._labels: dict[tuple[str, str], str] = {}
        self._breaker = Breaker()

    async def search(self, query: SearchQuery) -> SearchResult:
        """Find a page, and count its facets with the same request."""
        excluded = requests.excluding(query.filters)
        vocabulary = Vocabulary(assumed=True)
        asked = Asked(self._fields, query)
        page = None if query.step else Page(query.order, query.after, query.limit + 1)
        parsed = ClusterReader(self._fields, vocabulary).parse(query.filters.text)
        # Most words occur: they are looked up while that is taken for granted.
        answer, _ = await asyncio.gather(
            self._whole(asked, parsed.query, page), self.learn(vocabulary, excluded)
        )
        vocabulary.assumed = False
        right = await self._parsed(query.filters.text, vocabulary, excluded)
        if right != parsed:
            parsed, answer = right, await self._whole(asked, right.query, page)
        places = page.places(answer["hits"]["hits"]) if page is not None else []
        counts = asked.counts(answer)
        total = requests.total_of(answer)
        found = _Found(places, [0] * len(places), parsed)
        if query.widen and (query.step or total < FEW):
            await self._widen(found, query, asked, vocabulary)
        return found.result(total, counts)

    async def _whole(self, asked: Asked, text: Part | None, page: Page | None) -> Mapping[str, Any]:
        """The page with exact counts: if a shard may have left out a value, it returns all."""
        by_score = page is not None and page.order == "relevance"
        answer = await self._ask(asked.search(text, page, ASKED_OF_SHARDS), by_score=by_score)
        if asked.is_exact(answer):
            return answer
        return await self._ask(asked.search(text, page, MOST_BUCKETS), by_score=by_score)

    async def _widen(
        self, found: "_Found", query: SearchQuery, asked: Asked, vocabulary: Vocabulary
    ) -> None:
        """Continue the page with results of related titles and skills, step by step."""
        order: Order = "pay" if query.order == "pay" else "time"
        seen = found.parsed.query
        for step in STEPS:
            parsed = ClusterReader(self._fields, vocabulary).parse(query.filters.text, step)
            if seen is None or parsed.query is None or not parsed.related:
                break
            room = query.limit + 1 - len(found.places)
            after = query.after if step == query.step else None
            page = Page(order, after, room if step >= query.step else 0)
            more = {"query": asked.having(parsed.query, seen), "track_total_hits": True}
            answer = await self._ask({"_source": False, **more, **page.clauses()})
            places = page.places(answer["hits"]["hits"])
            found.places += places
            found.steps += [step] * len(places)
            found.widened += requests.total_of(answer)
            found.related, seen = parsed.related, parsed.query

    async def _parsed(
        self, text: str, vocabulary: Vocabulary, excluded: Sequence[Clause]
    ) -> ParsedQuery[Part]:
        """The query for a text. Words that no document has are read in another way."""
        while True:
            parsed = ClusterReader(self._fields, vocabulary).parse(text)
            if vocabulary.is_complete:
                return parsed
            await self.learn(vocabulary, excluded)

    async def learn(self, vocabulary: Vocabulary, excluded: Sequence[Clause] = ()) -> None:
        """Look up the words and places that are not known."""
        stems, areas = sorted(vocabulary.unknown_stems), sorted(vocabulary.unknown_areas)
        clauses = [requests.with_stem(self._fields, stem) for stem in stems]
        clauses += [{"term": {"area": area}} for area in areas]
        answers = await self._ask_all([requests.is_there(one, excluded) for one in clauses])
        found = [requests.total_of(answer) > 0 for answer in answers]
        vocabulary.used |= dict(zip(stems, found, strict=False))
        vocabulary.areas |= dict(zip(areas, found[len(stems) :], strict=True))
        vocabulary.unknown_stems.clear()
        vocabulary.unknown_areas.clear()

    async def size(self) -> int:
        """The number of documents."""
        with self._breaker.asking():
            return int((await self._client.count(index=self._alias))["count"])

    async def distinct(self, name: str) -> int:
        """The number of distinct values of a field."""
        number = "aggregations.number.count"
        answer = await self._ask(requests.distinct(name), filter_path=number)
        return int(answer["aggregations"]["number"]["count"])

    async def labels(self, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """The labels of a field's values, as documents with the values spell them."""
        new = [value for value in values if (name, value) not in self._labels]
        answers = await self._ask_all([requests.label(name, value) for value in new])
        found = {value: self._labels.get((name, value), value) for value in values}
        for value, answer in zip(new, answers, strict=True):
            hits = answer["hits"]["hits"]
            labels = hits[0]["_source"].get(f"{name}_label", ()) if hits else ()
            spelt = [labels] if isinstance(labels, str) else labels
            found[value] = next((one for one in spelt if KEYS[name](one) == value), value)
        if len(self._labels) + len(new) > MOST_LABELS:
            self._labels.clear()
        self._labels |= {(name, value): label for value, label in found.items()}
        return found

    async def highlighted(
        self, name: str, parsed: ParsedQuery[Part], texts: Sequence[str]
    ) -> list[str | None]:
        """The best fragment of each text as HTML. The words are split and stemmed here."""
        if parsed.query is None:
            return [None] * len(texts)
        return await asyncio.to_thread(highlighted_words, parsed.query.stems, texts)

    def board(self) -> Board:
        """What the documents contain."""
        return ClusterBoard(self)

    async def _ask(
        self, request: Clause, *, by_score: bool = False, copy: str = "", filter_path: str = ""
    ) -> Mapping[str, Any]:
        # Words are weighted by the whole index, whichever shard a document is in.
        params = {
            "search_type": "dfs_query_then_fetch" if by_score else "query_then_fetch",
            "preference": copy,
            "filter_path": filter_path,
        }
        with self._breaker.asking():
            answer: Mapping[str, Any] = await self._client.search(
                index=self._alias,
                body=request,
                params=_WHOLE | {name: value for name, value in params.items() if value},
            )
            return answer

    async def _ask_all(self, asked: Sequence[Clause]) -> list[Mapping[str, Any]]:
        answers: list[Mapping[str, Any]] = []
        for start in range(0, len(asked), AT_ONCE):
            lines = [
                line
                for request in asked[start : start + AT_ONCE]
                for line in ({"allow_partial_search_results": False}, request)
            ]
            with self._breaker.asking():
                answer = await self._client.msearch(index=self._alias, body=lines)
                answers += answer["responses"]
        kinds = {answer["error"].get("type") for answer in answers if "error" in answer}
        if kinds:
            is_missing = kinds == {"index_not_found_exception"}
            raise (SearchNotReady if is_missing else SearchUnavailable)(retry_after=1)
        return answers


class _Found:
    """A page that grows by widening."""

    def __init__(
        self, places: list[tuple[int, str]], steps: list[int], parsed: ParsedQuery[Part]
    ) -> None:
        self.places = places
        self.steps = steps
        self.parsed = parsed
        self.related = NOTHING
        self.widened = 0

    def result(self, total: int, counts: FacetCounts) -> SearchResult:
        return SearchResult(
            [UUID(id) for _, id in self.places],
            self.places,
            total,
            self.parsed,
            lambda: counts,
            self.steps,
            self.related,
            self.widened,
        )


class ClusterBoard:
    """What the open vacancies contain. What is not known is looked up between two tries."""

    def __init__(self, search: ClusterSearch) -> None:
        self._search = search
        self._vocabulary = Vocabulary()

    def is_used(self, stem: str) -> bool:
        """Whether a vacancy has this word."""
        return self._vocabulary.is_used(stem)

    def is_at(self, area: str) -> bool:
        """Whether a vacancy is at this place."""
        return self._vocabulary.is_at(area)

    async def learn(self) -> bool:
        """Look up what was asked. If the cluster is away, every word is taken as it is written."""
        vocabulary = self._vocabulary
        if vocabulary.is_complete:
            return False
        try:
            await self._search.learn(vocabulary)
        except SearchUnavailable:
            vocabulary.used |= dict.fromkeys(vocabulary.unknown_stems, True)
            vocabulary.areas |= dict.fromkeys(vocabulary.unknown_areas, True)
            vocabulary.unknown_stems.clear()
            vocabulary.unknown_areas.clear()
        return True
