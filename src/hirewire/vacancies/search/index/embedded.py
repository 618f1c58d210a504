"""The embedded engine: an index of this process alone, in its folder or in memory."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncEngine
from tantivy import Query

from hirewire.messaging.background import describe
from hirewire.vacancies.search.index.documents import Document
from hirewire.vacancies.search.index.engine import (
    Board,
    CatchUp,
    Expunged,
    Lost,
    Refreshed,
    indexes_of,
)
from hirewire.vacancies.search.index.folder import IndexFolder
from hirewire.vacancies.search.index.parser import ParsedQuery
from hirewire.vacancies.search.index.query import SearchQuery, SearchResult
from hirewire.vacancies.search.index.schema import VACANCIES, IndexSchema
from hirewire.vacancies.search.index.storage import SearchIndex

log = structlog.get_logger(__name__)


class EmbeddedSearch(Refreshed):
    """Searches the index, in threads."""

    def __init__(self, index: SearchIndex) -> None:
        self.index = index

    async def search(self, query: SearchQuery) -> SearchResult:
        """Find a page."""
        return await asyncio.to_thread(self.index.search, query)

    async def size(self) -> int:
        """The number of documents."""
        return len(self.index)

    async def distinct(self, name: str) -> int:
        """The number of distinct values of an unranked field."""
        return await asyncio.to_thread(self.index.distinct, name)

    async def labels(self, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """The labels of a field's values, as documents with the values spell them."""
        return {value: self.index.label(name, value) for value in values}

    async def highlighted(
        self, name: str, parsed: ParsedQuery[Query], texts: Sequence[str]
    ) -> list[str | None]:
        """The best fragment of each text as HTML."""
        return await asyncio.to_thread(self.index.highlighted, name, parsed, texts)

    def board(self) -> Board:
        """What the documents contain, at the latest commit."""
        return IndexedBoard(self.index)


class IndexedBoard:
    """The board as the index has it, at one commit."""

    def __init__(self, index: SearchIndex) -> None:
        self._schema = index.schema
        self._searcher = index.searcher
        self._used: dict[str, bool] = {}
        self._areas: dict[str, bool] = {}

    def is_used(self, stem: str) -> bool:
        """Whether a vacancy has this word."""
        known = self._used.get(stem)
        if known is None:
            found = any(self._searcher.doc_freq(name, stem) for name in VACANCIES.texts)
            known = self._used[stem] = found
        return known

    def is_at(self, area: str) -> bool:
        """Whether a vacancy is at this place."""
        known = self._areas.get(area)
        if known is None:
            there = Query.term_query(self._schema, "area", area, index_option="basic")
            hits = self._searcher.search(there, 1, count=False).hits
            known = self._areas[area] = bool(hits)
        return known

    async def learn(self) -> bool:
        """Nothing to look up: each answer was read from the index."""
        return False


class EmbeddedStore:
    """Writes the index. Any error of it is raised as `Lost`."""

    def __init__(
        self, fields: IndexSchema, engine: AsyncEngine, folder: IndexFolder | None = None
    ) -> None:
        """In memory without a folder. `engine`: the database whose searches use it."""
        self.name = fields.name
        self._fields = fields
        self._engine = engine
        self._folder = folder
        self._index: SearchIndex | None = None

    async def load(self) -> Mapping[str, JsonValue]:
        """Open the index in the folder. One that is damaged is emptied."""
        self._index = await asyncio.to_thread(self._opened)
        return self._index.state

    def _opened(self) -> SearchIndex:
        path = self._folder.path if self._folder else None
        try:
            return SearchIndex(self._fields, path)
        except (ValueError, OSError) as error:
            log.warning("search index is damaged", index=self.name, error=describe(error))
            assert self._folder is not None
            self._folder.empty()
            return SearchIndex(self._fields, path)

    @property
    def _opened_index(self) -> SearchIndex:
        assert self._index is not None
        return self._index

    async def start_over(self) -> None:
        """Delete all documents."""
        await _in_thread(self._opened_index.clear)

    async def put(self, documents: Iterable[tuple[str, Document | None]], *, fresh: bool) -> None:
        """Replace the documents with these ids; None deletes one."""
        index = self._opened_index
        await _in_thread(lambda: index.put(documents, fresh=fresh))

    async def publish(self, state: Mapping[str, JsonValue]) -> None:
        """Make all changes visible, and store the state."""
        index = self._opened_index
        await _in_thread(lambda: index.commit(state))

    async def size(self) -> int:
        """The number of documents."""
        return len(self._opened_index)

    async def expunge(self) -> Expunged:
        """Nothing in memory. There is no call that merges segments."""
        return "done" if self._folder is None else "rewrite"

    async def delete_unused_files(self) -> None:
        """Delete the files of segments that have no documents any more."""
        await _in_thread(self._opened_index.delete_unused_files)

    def serve(self, catch_up: CatchUp) -> None:
        """Let searches use the index."""
        search = EmbeddedSearch(self._opened_index)
        search.catch_up = catch_up
        indexes_of(self._engine)[self.name] = search

    async def close(self) -> None:
        """Release the index; searches stop using it."""
        indexes_of(self._engine).pop(self.name, None)
        if self._index is not None:
            await asyncio.to_thread(self._index.close)
            self._index = None


async def _in_thread(work: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(work)
    except Exception as error:
        raise Lost(describe(error)) from error
