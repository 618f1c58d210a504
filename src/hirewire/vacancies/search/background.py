"""Keeps the search indexes up to date: builds them, applies changes and rebuilds lost ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from pydantic import JsonValue
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.settings import Settings
from hirewire.messaging.background import Backoff, describe, run_steps
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.search import queries
from hirewire.vacancies.search.index import documents
from hirewire.vacancies.search.index.folder import IndexFolder
from hirewire.vacancies.search.index.schema import RESUMES, VACANCIES, IndexSchema
from hirewire.vacancies.search.index.storage import SearchIndex, indexes_of
from hirewire.vacancies.search.queries import Horizon

log = structlog.get_logger(__name__)

EVERY_SECONDS = 0.2
FRESH_SECONDS = 0.05
"""Seconds. A search refreshes the index unless the last refresh was this recent."""
CHECK_EVERY = 3000
"""Turns of the loop between two checks of the document count: about ten minutes."""
REWRITE_EVERY = 5
"""Turns of the loop between two steps of a rewriting: 500 documents about every second."""
REWRITE_PAUSE = 600.0
"""Seconds at least between two rewritings."""
READ_AT_ONCE = 500
"""Rows. Ten times as many would take 40 MiB while documents are built, and would not be faster."""
_DOCUMENTS = {"vacancies": documents.vacancy_document, "resumes": documents.resume_document}


class Lost(Exception):
    """The index does not match the tables and must be rebuilt."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Writes all documents again, so that no segment with words of erased people stays.

    A deleted document stays in the files of its segment until all documents of the segment are
    deleted, or the segment is merged, which may be never. There is no call that merges.
    """

    erased: int
    """The number of erased people when it began."""
    after: UUID
    """The last row that was written again."""


class IndexUpdater:
    """Updates one index with committed changes. Read and write errors are raised."""

    def __init__(
        self, fields: IndexSchema, transactions: Transactions, folder: IndexFolder | None
    ) -> None:
        self._fields = fields
        self._transactions = transactions
        self._folder = folder
        self._index: SearchIndex | None = None
        self._name = ""
        self._horizon = Horizon(0)
        self._seen: dict[UUID, int] = {}
        self._turn = asyncio.Lock()
        self._began = 0.0
        self._erased = 0
        """The number of erased people of whom the files have nothing."""
        self._rewriting: Rewriting | None = None
        self._may_rewrite_at = 0.0

    async def open(self) -> None:
        """Open the index in the folder, or build one from the tables."""
        async with self._transactions() as tx:
            self._name, now = await queries.database_name(tx), await Horizon.now(tx)
        index = await asyncio.to_thread(self._opened)
        done = index.state.get("horizon")
        if (
            index.state.get("database") != self._name
            or not isinstance(done, int)
            or done > now.done
        ):
            await self._make(index)
        else:
            self._horizon, self._index = Horizon(done), index
            self._erased, self._rewriting = _rewriting_in(index.state)
            await self.catch_up()
        index.catch_up = self.refresh
        indexes_of(self._transactions.engine)[self._fields.name] = index

    async def refresh(self) -> None:
        """Apply the changes committed so far; concurrent callers share one run.

        Errors are ignored: the update loop meets them next and handles them.
        """
        asked = time.monotonic() - FRESH_SECONDS
        with suppress(Exception):
            async with self._turn:
                if self._began < asked:
                    await self._catch_up()

    def _opened(self) -> SearchIndex:
        path = self._folder.path if self._folder else None
        try:
            return SearchIndex(self._fields, path)
        except (ValueError, OSError) as error:
            log.warning("search index is damaged", index=self._fields.name, error=describe(error))
            assert self._folder is not None
            self._folder.empty()
            return SearchIndex(self._fields, path)

    async def _make(self, index: SearchIndex) -> None:
        """Fill the index from all rows in chunks, each in its own transaction."""
        async with self._transactions() as tx:
            horizon = await Horizon.now(tx)
            self._erased, self._rewriting = await queries.count_of_erased(tx), None
        await _in_thread(index.clear)
        last, rows = UUID(int=0), 1
        while rows:
            async with self._transactions() as tx:
                chunk = await queries.rows_after(tx, self._fields.name, last, READ_AT_ONCE)
            rows = len(chunk)
            await _in_thread(self._put, index, chunk, True)
            last = UUID(chunk[-1].id) if chunk else last
        self._index, self._horizon, self._seen = index, horizon, {}
        await _in_thread(index.commit, self._state(horizon))
        log.info("search index built", index=self._fields.name, documents=len(index))
        await self.catch_up()

    async def catch_up(self) -> bool:
        """Apply the changes committed since the last call; returns whether there were any.

        Raises `Lost` if the database has gone back in time.
        """
        async with self._turn:
            return await self._catch_up()

    async def _catch_up(self) -> bool:
        if self._index is None:  # closed in the meantime
            return False
        self._began = time.monotonic()
        async with self._transactions() as tx:
            horizon, changed = await queries.changed_since(tx, self._fields.name, self._horizon)
            new = [id for id, when in changed.items() if self._seen.get(id) != when]
            if horizon.done < self._horizon.done:
                raise Lost("the database has gone back in time")
            for start in range(0, len(new), READ_AT_ONCE):
                chunk = await queries.rows_of(
                    tx, self._fields.name, new[start : start + READ_AT_ONCE]
                )
                await _in_thread(self._put, self._index, chunk, False)
        if new:
            await _in_thread(self._index.commit, self._state(horizon))
        # Transactions from the horizon on may still commit. Their rows are read again until all
        # earlier transactions are finished, but applied only once.
        self._horizon = horizon
        self._seen = {id: when for id, when in changed.items() if when >= horizon.done}
        return bool(new)

    async def check(self) -> None:
        """Raise `Lost` if the number of documents differs from the number of searchable rows."""
        assert self._index is not None
        for _ in range(3):
            await self.catch_up()
            async with self._transactions() as tx:
                rows = await queries.count_of(tx, self._fields.name)
            if rows == len(self._index):
                return
        if not await self.catch_up():
            raise Lost(f"{len(self._index)} documents of {rows} rows")

    async def rewrite(self) -> bool:
        """One step of writing all documents again after an erasure; True if more are to come.

        It begins once what was deleted with the erasure is deleted here. The step is stored, so
        that a restart goes on.
        """
        async with self._turn:
            if self._index is None or self._folder is None:
                return False
            if self._rewriting is None and not await self._begin_rewriting():
                return False
            assert self._rewriting is not None
            async with self._transactions() as tx:
                after = self._rewriting.after
                chunk = await queries.rows_after(tx, self._fields.name, after, READ_AT_ONCE)
            await _in_thread(self._put, self._index, chunk, False)
            is_last = len(chunk) < READ_AT_ONCE
            if is_last:
                self._erased, self._rewriting = self._rewriting.erased, None
                self._may_rewrite_at = time.monotonic() + REWRITE_PAUSE
            else:
                self._rewriting = replace(self._rewriting, after=UUID(chunk[-1].id))
            await _in_thread(self._index.commit, self._state(self._horizon))
            if is_last:
                await _in_thread(self._index.delete_unused_files)
                log.info("search index rewritten", index=self._fields.name)
            return not is_last

    async def _begin_rewriting(self) -> bool:
        if time.monotonic() < self._may_rewrite_at:
            return False
        async with self._transactions() as tx:
            erased = await queries.count_of_erased(tx)
        if erased == self._erased:
            return False
        await self._catch_up()
        self._rewriting = Rewriting(erased, UUID(int=0))
        return True

    def _state(self, horizon: Horizon) -> dict[str, JsonValue]:
        state: dict[str, JsonValue] = {
            "database": self._name,
            "horizon": horizon.done,
            "erased": self._erased,
        }
        if self._rewriting is not None:
            state["rewriting"] = [self._rewriting.erased, str(self._rewriting.after)]
        return state

    def _put(self, index: SearchIndex, rows: Sequence[Row[Any]], fresh: bool) -> None:
        make = _DOCUMENTS[self._fields.name]
        index.put(((row.id, make(dict(row._mapping))) for row in rows), fresh=fresh)

    async def close(self) -> None:
        """Close the index; searches stop using it."""
        indexes_of(self._transactions.engine).pop(self._fields.name, None)
        if self._index is not None:
            await asyncio.to_thread(self._index.close)
            self._index = None


def _rewriting_in(state: Mapping[str, JsonValue]) -> tuple[int, Rewriting | None]:
    """The number of erased people of whom the files have nothing, and the rewriting in progress.

    Of a state of before, or one that cannot be read, everything is written again.
    """
    erased = state.get("erased")
    match state.get("rewriting"):
        case [int(number), str(after)]:
            return 0, Rewriting(number, UUID(after))
        case _:
            return erased if isinstance(erased, int) else 0, None


def are_built(engine: AsyncEngine) -> bool:
    """Whether both indexes can be searched."""
    return {VACANCIES.name, RESUMES.name} <= indexes_of(engine).keys()


@asynccontextmanager
async def keep_indexes(transactions: Transactions, settings: Settings) -> AsyncIterator[None]:
    """Keep both indexes up to date while the block runs."""
    async with _kept((VACANCIES, RESUMES), transactions, settings):
        yield


@asynccontextmanager
async def keep_vacancies(transactions: Transactions, settings: Settings) -> AsyncIterator[None]:
    """Keep the index of the vacancies up to date: alerts ask it which words occur at all."""
    async with _kept((VACANCIES,), transactions, settings):
        yield


@asynccontextmanager
async def _kept(
    indexes: Sequence[IndexSchema], transactions: Transactions, settings: Settings
) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(_keep(fields, transactions, settings.search_dir)) for fields in indexes
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _in_thread(work: Callable[..., None], *given: object) -> None:
    """Run `work` in a thread. Any error of the index is raised as `Lost`."""
    try:
        await asyncio.to_thread(work, *given)
    except Exception as error:
        raise Lost(describe(error)) from error


async def _keep(fields: IndexSchema, transactions: Transactions, above: Path | None) -> None:
    """Keep the index open and up to date; open it again after an error, empty if it was lost."""
    backoff, lost = Backoff(longest=10.0), False

    async def step() -> bool:
        nonlocal lost
        try:
            async with _opened(fields, transactions, above, empty=lost) as updater:
                backoff.reset()
                lost = False
                await _follow(updater, fields)
        except Lost:
            lost = True
            raise
        return False

    # Not a `PeriodicTask`, whose steps have nothing but transactions: the index stays open from one
    # look at the changes to the next, and is closed with its folder at the end.
    await run_steps("open search index", step, backoff=backoff, index=fields.name)


@asynccontextmanager
async def _opened(
    fields: IndexSchema, transactions: Transactions, above: Path | None, *, empty: bool
) -> AsyncIterator[IndexUpdater]:
    """The index in a folder of its own, ready to follow changes; `empty` builds it from nothing."""
    folder = await asyncio.to_thread(IndexFolder, above, fields.name) if above else None
    try:
        if empty and folder is not None:
            await asyncio.to_thread(folder.empty)
        updater = IndexUpdater(fields, transactions, folder)
        try:
            await updater.open()
            yield updater
        finally:
            await asyncio.shield(updater.close())
    finally:
        if folder is not None:
            folder.close()


async def _follow(updater: IndexUpdater, fields: IndexSchema) -> None:
    """Apply changes until the index is lost. It stays in use while the database is unavailable."""
    turns = count(1)

    async def step() -> bool:
        turn = next(turns)
        await (updater.check() if turn % CHECK_EVERY == 0 else updater.catch_up())
        if turn % REWRITE_EVERY == 0:
            await updater.rewrite()
        return False

    await run_steps(
        "search index",
        step,
        idle=EVERY_SECONDS,
        backoff=Backoff(first=2 * EVERY_SECONDS, longest=10.0),
        ended_by=Lost,
        index=fields.name,
    )
