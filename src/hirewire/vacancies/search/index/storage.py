"""A search index in its folder, or in memory.

It stores the name of the database and the transaction up to which it has read. The tables stay the
source of truth: callers read the rows of the results from them.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue
from tantivy import Document, Index, IndexWriter, Query, Searcher

from hirewire.vacancies.search.index.documents import KEYS
from hirewire.vacancies.search.index.documents import Document as Values
from hirewire.vacancies.search.index.execution import SearchExecution
from hirewire.vacancies.search.index.facets import FacetCache, count_distinct
from hirewire.vacancies.search.index.folder import Held, index_format, read_state, write_state
from hirewire.vacancies.search.index.highlights import highlighted
from hirewire.vacancies.search.index.parser import ParsedQuery, analyzer, plain_analyzer
from hirewire.vacancies.search.index.query import SearchQuery, SearchResult
from hirewire.vacancies.search.index.ranking import (
    FILE,
    SAMPLE,
    Bounds,
    Ranks,
    hash_of,
    rare_column,
)
from hirewire.vacancies.search.index.schema import ANY_TEXT, IndexSchema

MOST_LABELS = 2_000
"""The maximum number of cached labels. If a cache is full, it is emptied."""
HEAP_BYTES = 16_000_000
"""The writer's memory in bytes; tantivy needs at least 15 MB. More documents: a new segment."""
REOPEN_AFTER = 500
"""Commits after which the index is reopened: tantivy keeps the path of each file that it ever
mapped, about 1 KB per commit.
"""

_Key = TypeVar("_Key")


class SearchIndex:
    """A search index. Only one thread at a time may call `put`, `clear` and `commit`."""

    def __init__(self, fields: IndexSchema, folder: Path | None = None) -> None:
        """Open the index in this folder, or create it there; in memory if there is no folder.

        Raises `ValueError` or `OSError` if the folder holds an invalid index.
        """
        self.fields = fields
        self.folder = folder
        self.schema = fields.build()
        self.state = read_state(folder)
        self._ranks: Ranks | None = None
        self._held: Held | None = None
        """What was put before the values are ranked."""
        if folder is not None:
            if self.state.get("format") != index_format():
                shutil.rmtree(folder / "index", ignore_errors=True)
                self.state = {}
            (folder / "index").mkdir(parents=True, exist_ok=True)
        self._writer: IndexWriter | None = None
        self._open()
        searcher = self._index.searcher()
        if folder is not None and self.state:
            self._ranks = Ranks.read(folder, fields.ranked)
            if self._ranks is None or not self._ranks.suit(searcher.num_docs):
                self.state = {}
        self._view = searcher, FacetCache(Bounds(fields.ranked, searcher))
        self._labels: dict[tuple[str, str], str] = {}
        self._numbered: dict[tuple[str, int], str] = {}

    def _open(self) -> None:
        if self.folder is None:
            self._index = Index(self.schema)
        else:
            self._index = Index(self.schema, path=str(self.folder / "index"))
        self._index.register_tokenizer("words", analyzer())
        self._index.register_tokenizer("plain", plain_analyzer())
        self._writer = self._index.writer(HEAP_BYTES, num_threads=1)
        self._commits = 0

    def __len__(self) -> int:
        return int(self.searcher.num_docs)

    def put(self, documents: Iterable[tuple[str, Values | None]], *, fresh: bool = False) -> None:
        """Replace the documents with these ids; None deletes one.

        `fresh`: none of the ids is in the index. Changes are visible after the next `commit`.
        """
        for id, values in documents:
            if self._ranks is not None:
                self._write(self._ranks, id, values, fresh)
                continue
            self._held = self._held or Held(self.folder)
            self._held.add(id, values, fresh)
            if len(self._held) == SAMPLE:
                self._rank()

    def _rank(self) -> None:
        """Rank the values by what was put so far, and write that."""
        held = self._held or Held(None)
        ranks = self._ranks = Ranks.learnt(
            self.fields.ranked, (values for _, values, _ in held if values is not None)
        )
        if self.folder is not None:
            ranks.write(self.folder)
        for one in held:
            self._write(ranks, *one)
        self._drop_held()

    def _drop_held(self) -> None:
        if self._held is not None:
            self._held.close()
        self._held = None

    def _write(self, ranks: Ranks, id: str, values: Values | None, fresh: bool) -> None:
        assert self._writer is not None
        if not fresh:
            self._writer.delete_documents_by_term("id", id)
        if values is not None:
            self._writer.add_document(self._document(ranks, id, values))

    def clear(self) -> None:
        """Delete all documents and reset the state."""
        assert self._writer is not None
        if self.folder is not None:
            (self.folder / "state.json").unlink(missing_ok=True)
            (self.folder / FILE).unlink(missing_ok=True)
        self._writer.delete_all_documents()
        self.state, self._ranks = {}, None
        self._drop_held()

    def commit(self, state: Mapping[str, JsonValue]) -> None:
        """Make all changes visible and store the state."""
        if self._ranks is None:
            self._rank()
        assert self._writer is not None
        self._writer.commit()
        if self.folder is not None:
            write_state(self.folder, state)
        self.state = dict(state)
        self._commits += 1
        if self.folder is not None and self._commits >= REOPEN_AFTER:
            self._writer.wait_merging_threads()
            self._writer = None  # releases the lock
            self._open()
        self._index.reload()
        searcher = self._index.searcher()
        bounds = self._view[1].bounds
        if bounds.is_stale:
            bounds = Bounds(self.fields.ranked, searcher)
        self._view = searcher, FacetCache(bounds)

    def delete_unused_files(self) -> None:
        """Delete the files of segments that have no documents any more."""
        assert self._writer is not None
        self._writer.garbage_collect_files()

    def close(self) -> None:
        """Release the writer's lock."""
        self._drop_held()
        self._writer = None

    @property
    def searcher(self) -> Searcher:
        """The latest commit."""
        return self._view[0]

    def distinct(self, name: str) -> int:
        """The number of distinct values of an unranked field. Thread-safe; reads one commit."""
        searcher, cache = self._view
        return count_distinct(searcher, cache, name)

    def search(self, query: SearchQuery) -> SearchResult:
        """Find a page. Thread-safe; reads one commit."""
        searcher, cache = self._view
        return SearchExecution(
            self.fields, self.schema, searcher, cache, query, self.value_of
        ).run()

    def label(self, name: str, value: str) -> str:
        """The label of a field's value, as a document with the value spells it."""
        known = self._labels.get((name, value))
        if known is None:
            query = Query.term_query(self.schema, name, value, index_option="basic")
            hits = self.searcher.search(query, 1, count=False).hits
            labels = self.searcher.doc(hits[0][1]).get_all(f"{name}_label") if hits else ()
            found = (str(one) for one in labels if KEYS[name](str(one)) == value)
            known = _kept(self._labels, (name, value), next(found, value))
        return known

    def value_of(self, searcher: Searcher, name: str, column: str, number: int) -> str:
        """The value of a field with this number in this column, in a document that the searcher
        sees.
        """
        if column != rare_column(name):
            assert self._ranks is not None
            return self._ranks.of[name].values[number]
        known = self._numbered.get((name, number))
        if known is None:
            query = Query.term_query(self.schema, column, number)
            [(_, address)] = searcher.search(query, 1, count=False).hits
            values = searcher.doc(address).get_all(name)
            known = next(str(value) for value in values if hash_of(str(value)) == number)
            _kept(self._numbered, (name, number), known)
        return known

    def _document(self, ranks: Ranks, id: str, values: Values) -> Document:
        document = Document()
        document.add_text("id", id)
        places: list[tuple[str, int]] = []
        for name, value in values.items():
            if isinstance(value, int):
                document.add_unsigned(name, value)
                continue
            ranking = ranks.of.get(name)
            for text in value if isinstance(value, list) else (value,):
                document.add_text(name, text)
                if name in self.fields.texts:
                    document.add_text(ANY_TEXT, text)
                if ranking is not None:
                    places.append(ranking.place(text))
        for place in places:
            document.add_unsigned(*place)
        self._view[1].bounds.add(places)
        return document

    def highlighted(
        self, name: str, parsed: ParsedQuery[Query], texts: Sequence[str]
    ) -> list[str | None]:
        """The best fragment of each text as HTML with matches in `<mark>`; None without a match."""
        if parsed.query is None:
            return [None] * len(texts)
        return highlighted(self.searcher, self.schema, parsed.query, name, texts)


def _kept(labels: dict[_Key, str], key: _Key, value: str) -> str:
    """Cache a label and return it; empty a full cache first. Thread-safe."""
    if len(labels) >= MOST_LABELS:
        labels.clear()
    labels[key] = value
    return value
