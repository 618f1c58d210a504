"""Looks for words in search indexes, and in what their files have of deleted documents."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from hirewire.kit.search_clusters import SearchCluster, connected

if TYPE_CHECKING:
    from tantivy import Index

    from hirewire.vacancies.search.index.schema import IndexSchema


async def occurrences(
    cluster: SearchCluster, words: Sequence[str]
) -> AsyncIterator[tuple[str, str, int]]:
    """Indexes, with the words that their documents have and how many documents have them.

    All versions' indexes of the board are searched, those that are being filled too. Raises an
    error of the client.
    """
    from hirewire.vacancies.search.index.cluster.mapping import family_of
    from hirewire.vacancies.search.index.parser import plain_words_of, stems_of
    from hirewire.vacancies.search.index.schema import RESUMES, VACANCIES

    async with connected(cluster) as client:
        for fields in (RESUMES, VACANCIES):
            for name in await client.indices.get(index=f"{family_of(fields, cluster)}*"):
                for word in words:
                    stems, whole = " ".join(stems_of(word)), plain_words_of(word)
                    ways: list[dict[str, object]] = [
                        {"match_phrase": {text: stems}} for text in fields.texts
                    ]
                    everywhere = [{"term": {"whole_words": one}} for one in whole]
                    ways.append({"bool": {"filter": everywhere}} if whole else {"match_none": {}})
                    query = {"bool": {"should": ways, "minimum_should_match": 1}}
                    found = await client.count(index=name, body={"query": query})
                    if found["count"]:
                        yield name, word, int(found["count"])


def deleted_documents(index: "Index", fields: "IndexSchema", text: str) -> int:
    """How many deleted documents have all words of a text in one field, at the most.

    Searches do not find them, but the files still have their words.
    """
    from tantivy import Query

    from hirewire.vacancies.search.index.parser import analyzer, plain_analyzer

    searcher = index.searcher()
    most = 0
    fields_ = [*((name, analyzer()) for name in fields.texts), ("whole_words", plain_analyzer())]
    for name, words in fields_:
        left = []
        for word in words.analyze(text):
            query = Query.term_query(index.schema, name, word, index_option="basic")
            known = searcher.doc_freq(name, word)
            live = len(searcher.search(query, max(known, 1), count=False).hits)
            left.append(known - live)
        most = max(most, min(left, default=0))
    return most
