"""What searches ask of an index, and what the change feed writes to it, whatever engine it is.

The embedded engine is in `embedded.py`, the one of a cluster in `cluster/`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, Protocol
from weakref import WeakKeyDictionary

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.kit.errors import AppError, Kind
from hirewire.kit.standby import primary_of
from hirewire.vacancies.search.index.documents import Document
from hirewire.vacancies.search.index.parser import ParsedQuery
from hirewire.vacancies.search.index.query import SearchQuery, SearchResult
from hirewire.vacancies.search.index.schema import IndexSchema

LONGEST_WAIT = 0.05
"""The maximum time in seconds that a search waits for recent commits."""
Expunged = Literal["done", "later", "rewrite"]
"""Whether files have no deleted documents; `rewrite`: only writing all documents again does that.
"""
CatchUp = Callable[[], Awaitable[None]]


class SearchUnavailable(AppError):
    """The search does not answer; try again in a moment."""

    slug = "search-unavailable"
    code = "search_unavailable"
    kind = Kind.UNAVAILABLE


class SearchNotReady(SearchUnavailable):
    """The search index is being built; try again in a moment."""

    slug = "search-not-ready"
    code = "search_not_ready"
    kind = Kind.UNAVAILABLE


class Unusable(Exception):
    """The index cannot be written any more until it is opened again."""


class Lost(Unusable):
    """The index does not match the tables and must be rebuilt."""


class Superseded(Unusable):
    """Another process writes the index now."""


class Board(Protocol):
    """What the open vacancies contain: words that none has are read in another way."""

    def is_used(self, stem: str) -> bool:
        """Whether a vacancy has this word."""

    def is_at(self, area: str) -> bool:
        """Whether a vacancy is at this place."""

    async def learn(self) -> bool:
        """Look up what was asked and is not known yet; False if all answers were right."""


class SearchEngine(Protocol):
    """Searches one index. All methods raise `SearchUnavailable`."""

    async def refreshed(self) -> None:
        """Wait briefly until the changes committed so far are visible."""

    async def search(self, query: SearchQuery) -> SearchResult:
        """Find a page. Page and counts are of one state of the index."""

    async def size(self) -> int:
        """The number of documents."""

    async def distinct(self, name: str) -> int:
        """The number of distinct values of an unranked field."""

    async def labels(self, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """The labels of a field's values, as documents with the values spell them."""

    async def highlighted(
        self, name: str, parsed: ParsedQuery[Any], texts: Sequence[str]
    ) -> list[str | None]:
        """The best fragment of each text as HTML with matches in `<mark>`; None without a match."""

    def board(self) -> Board:
        """What the documents contain."""


class IndexStore(Protocol):
    """An index that the change feed is written to. Only one task at a time may use it.

    Changes are visible after `publish`. A method raises `Lost` if the index must be rebuilt, and
    `Superseded` if another process writes it; after other errors it may be called again.
    """

    @property
    def name(self) -> str:
        """The name of the index's schema."""

    async def load(self) -> Mapping[str, JsonValue]:
        """Open the index; returns the state that the last `publish` stored, empty without one."""

    async def start_over(self) -> None:
        """Fill an empty index from now on, which replaces the present one with `publish`."""

    async def put(self, documents: Iterable[tuple[str, Document | None]], *, fresh: bool) -> None:
        """Replace the documents with these ids; None deletes one. `fresh`: none is in the index.

        May read `documents` in a thread.
        """

    async def publish(self, state: Mapping[str, JsonValue]) -> None:
        """Make all changes visible, and store the state."""

    async def size(self) -> int:
        """The number of documents."""

    async def expunge(self) -> Expunged:
        """Remove deleted documents from the files."""

    async def delete_unused_files(self) -> None:
        """Delete the files that have no documents any more."""

    def serve(self, catch_up: CatchUp) -> None:
        """Let searches use the index; `catch_up` applies the changes committed so far."""

    async def close(self) -> None:
        """Release the index; searches do not use it any more, unless others write to it."""


class Refreshed:
    """The part of a `SearchEngine` that waits for recent changes."""

    catch_up: CatchUp | None = None
    """Applies the changes committed so far; None if another process does."""

    async def refreshed(self) -> None:
        """Wait briefly until the changes committed so far are visible."""
        if self.catch_up is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT):
                    await asyncio.shield(self.catch_up())


_engines: WeakKeyDictionary[AsyncEngine, dict[str, SearchEngine]] = WeakKeyDictionary()


def indexes_of(engine: AsyncEngine) -> dict[str, SearchEngine]:
    """The ready indexes of this database in this process, by name."""
    return _engines.setdefault(engine, {})


def index_for(tx: AsyncConnection, fields: IndexSchema) -> SearchEngine | None:
    """The index of the database of `tx`; None while it is being built."""
    return indexes_of(primary_of(tx.engine)).get(fields.name)
