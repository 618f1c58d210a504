"""Both engines of the search give the same answers: the embedded one, and an OpenSearch cluster.

The expectations are those of the embedded engine, whose own tests are written by hand.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hirewire.kit.search_clusters import connected, parse_cluster
from hirewire.vacancies.search.filters import vacancy_filters
from hirewire.vacancies.search.index.cluster.mapping import alias_of
from hirewire.vacancies.search.index.cluster.searching import ClusterSearch
from hirewire.vacancies.search.index.cluster.store import ClusterStore
from hirewire.vacancies.search.index.documents import Document, vacancy_document
from hirewire.vacancies.search.index.embedded import EmbeddedSearch
from hirewire.vacancies.search.index.engine import SearchEngine
from hirewire.vacancies.search.index.query import Order, SearchFilters, SearchQuery, SearchResult
from hirewire.vacancies.search.index.schema import VACANCIES, IndexSchema
from hirewire.vacancies.search.index.storage import SearchIndex
from tests.vacancies.alerts.generated import Searches, vacancy_rows

Documents = Sequence[tuple[str, Document | None]]
ORDERS: tuple[Order, ...] = ("time", "relevance")


def embedded(documents: Documents, fields: IndexSchema = VACANCIES) -> EmbeddedSearch:
    index = SearchIndex(fields)
    index.put(documents, fresh=True)
    index.commit({})
    return EmbeddedSearch(index)


@asynccontextmanager
async def clustered(
    url: str, documents: Documents, fields: IndexSchema = VACANCIES
) -> AsyncIterator[ClusterSearch]:
    cluster = parse_cluster(url)
    async with connected(cluster) as client:
        search = ClusterSearch(client, fields, alias_of(fields, cluster))
        store = ClusterStore(client, fields, cluster, search)
        await store.load()
        await store.start_over()
        await store.put(documents, fresh=True)
        await store.publish({"horizon": 1})
        yield search


def counted(found: SearchResult, sizes: Mapping[str, int]) -> dict[str, object]:
    """The counts. Which of equally frequent values a facet leaves out is not defined."""
    counts = found.count()
    shown: dict[str, object] = {"recent": counts.recent}
    for name, values in counts.facets.items():
        is_whole = len(values) < sizes[name]
        shown[name] = sorted(values) if is_whole else [count for _, count in values]
    return shown


def understood(found: SearchResult) -> dict[str, object]:
    parsed = found.parsed
    return {
        "total": found.total,
        "widened": found.widened,
        "corrected": parsed.corrected,
        "tolerated": parsed.tolerated,
        "has words": parsed.query is not None,
        "related": found.related,
    }


async def differences(
    one: SearchEngine, other: SearchEngine, query: SearchQuery
) -> list[tuple[object, object]]:
    """What two engines answer differently."""
    expected, found = await one.search(query), await other.search(query)
    pairs: list[tuple[object, object]] = [
        (understood(expected), understood(found)),
        (counted(expected, query.facets), counted(found, query.facets)),
    ]
    if query.order == "time":
        pairs.append((expected.places, found.places))
        pairs.append((expected.steps, found.steps))
    elif len(expected.ids) <= query.limit:  # among equally good ones, those of a page may differ
        pairs.append((set(expected.ids), set(found.ids)))
    return [(left, right) for left, right in pairs if left != right]


@pytest.mark.parametrize("shards", [1, 3])
async def test_both_engines_answer_the_same(search_cluster: str, shards: int) -> None:
    rows = vacancy_rows(20261130, 250)
    documents = [(str(row["id"]), vacancy_document(row)) for row in rows]
    made = Searches(shards, rows[: len(rows) * 2 // 3])
    moments = [
        max(int(str((one or {})["time"])) for _, one in documents) - n * 10**11 for n in (1, 5)
    ]
    wrong, found_some = [], 0
    async with clustered(f"{search_cluster}?shards={shards}", documents) as search:
        expected = embedded(documents)
        for nth in range(60):
            filters = vacancy_filters(made.filters())
            query = SearchQuery(
                filters,
                order=ORDERS[nth % 2],
                limit=20,
                widen=nth % 3 == 0,
                facets=VACANCIES.facets,
                recent=moments,
            )
            found_some += (await expected.search(query)).total > 0
            wrong += [(filters, *one) for one in await differences(expected, search, query)]
    assert not wrong, (len(wrong), wrong[:3])
    assert found_some > 15


async def test_facets_are_exact_over_many_shards(
    search_cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard that returns its most frequent values only may leave out one that counts."""
    monkeypatch.setattr("hirewire.vacancies.search.index.cluster.searching.ASKED_OF_SHARDS", 2)
    fields = replace(VACANCIES, filters=[replace(f, facet_size=3) for f in VACANCIES.filters])
    areas = [f"town{n}" for n in range(40) for _ in range(1 + n % 7 + n // 13)]
    documents: Documents = [
        (str(UUID(int=n)), {"title": "cook", "area": area, "time": n})
        for n, area in enumerate(areas)
    ]
    query = SearchQuery(SearchFilters("cook"), facets={"area": 3})
    async with clustered(f"{search_cluster}?shards=5", documents, fields) as search:
        assert await differences(embedded(documents, fields), search, query) == []


@pytest.mark.parametrize("order", ["time", "pay", "relevance"])
async def test_pages_are_complete_and_end(search_cluster: str, order: Order) -> None:
    documents: Documents = [
        (
            str(UUID(int=n)),
            {"title": f"cook {'x ' * (n % 3)}", "time": n // 4, "pay": n // 5, "currency": "RUB"},
        )
        for n in range(43)
    ]
    async with clustered(search_cluster, documents) as search:
        one, two = embedded(documents), search
        pages: list[list[list[UUID]]] = []
        for engine in (one, two):
            seen: list[list[UUID]] = []
            after = None
            while True:
                query = SearchQuery(SearchFilters("cook"), order=order, limit=5, after=after)
                found = await engine.search(query)
                assert found.total == 43
                seen.append(found.ids[:5])
                if len(found.ids) <= 5:
                    break
                after = found.places[4]
            assert len([id for page in seen for id in page]) == 43
            assert len({id for page in seen for id in page}) == 43
            pages.append(seen)
    if order != "relevance":
        assert pages[0] == pages[1]


async def test_the_best_come_first(search_cluster: str) -> None:
    texts = {
        "title": {"title": "welder"},
        "skill": {"title": "fitter", "skill_words": "welder"},
        "company": {"title": "fitter", "company_words": "welder"},
        "text": {"title": "fitter", "description": "one welder among many other words of a text"},
    }
    documents: Documents = [
        (str(UUID(int=n)), {**one, "time": 1}) for n, one in enumerate(texts.values())
    ]
    query = SearchQuery(SearchFilters("welders"), order="relevance")
    async with clustered(search_cluster, documents) as search:
        expected = [UUID(int=n) for n in range(4)]
        assert (await embedded(documents).search(query)).ids == expected
        assert (await search.search(query)).ids == expected


async def test_no_phrase_spans_a_word_that_is_too_long(search_cluster: str) -> None:
    texts = ("alpha beta", f"alpha {'long' * 20} beta", f"alpha, {'а' * 29} beta")
    documents: Documents = [
        (str(UUID(int=n)), {"title": text, "time": n}) for n, text in enumerate(texts)
    ]
    async with clustered(search_cluster, documents) as search:
        query = SearchQuery(SearchFilters('"alpha beta"'))
        assert (await search.search(query)).ids == [UUID(int=0)]
        assert await differences(embedded(documents), search, query) == []


async def test_fragments_mark_the_same_words(search_cluster: str) -> None:
    texts = {
        "a": "Ёлка <один> Kotlin & more",
        "b": "(«Ёж») Go!",
        "c": f"{'Long text here. ' * 40}Swift (the end)",
        "d": "",
        "e": "nothing of it",
    }
    documents: Documents = [
        (str(UUID(int=n)), {"title": text, "time": n}) for n, text in enumerate(texts.values())
    ]
    shown = list(texts.values())
    async with clustered(search_cluster, documents) as search:
        for words in ("kotlin елку", "ежи", "swift", '"one two"', "kotlyn", "python"):
            query = SearchQuery(SearchFilters(words))
            marks = []
            for engine in (embedded(documents), search):
                found = await engine.search(query)
                marks.append(await engine.highlighted("title", found.parsed, shown))
            assert [m and m.count("<mark>") for m in marks[0]] == [
                m and m.count("<mark>") for m in marks[1]
            ], words
            assert marks[0][:2] == marks[1][:2], words


async def test_labels_sizes_and_words_are_the_same(search_cluster: str) -> None:
    rows = vacancy_rows(3, 40)
    documents = [(str(row["id"]), vacancy_document(row)) for row in rows]
    async with clustered(search_cluster, documents) as search:
        one = embedded(documents)
        assert await one.size() == await search.size() == len(documents)
        assert await one.distinct("company") == await search.distinct("company") > 1
        for name in ("area", "skill"):
            values = sorted({value for _, doc in documents for value in _values(doc, name)})[:40]
            assert await one.labels(name, [*values, "none"]) == await search.labels(
                name, [*values, "none"]
            )
        boards = one.board(), search.board()
        asked = ["python", "разработчик", "xyzzy", "опыт", "zzz"]
        answers: list[Any] = []
        for board in boards:
            while True:
                answers.append([*map(board.is_used, asked), board.is_at("nowhere")])
                if not await board.learn():
                    break
        assert answers[0] == answers[-1]
        assert len(answers) == 3, "the cluster is asked once"


def _values(document: Document | None, name: str) -> list[str]:
    value = (document or {}).get(name, [])
    return value if isinstance(value, list) else [str(value)]
