"""Applies committed changes to a search index, and builds it from the tables when it is lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from pydantic import JsonValue
from sqlalchemy import Row

from hirewire.messaging.background import Backoff, run_steps
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.search import queries
from hirewire.vacancies.search.index import documents
from hirewire.vacancies.search.index.engine import IndexStore, Lost, Superseded, Unusable
from hirewire.vacancies.search.queries import Horizon

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
"""Searches ask for changes themselves. At 0.2 writing small parts took a fifth of what filling a
board takes.
"""
SHARED_SECONDS = 0.2
"""The same for an index that searches of other processes use, which cannot ask."""
CHECK_SECONDS = 600.0
"""Seconds between two checks of the document count."""
REWRITE_SECONDS = 1.0
"""Seconds between two steps of a rewriting, of 500 documents each."""
FRESH_SECONDS = 0.05
"""Seconds. A search refreshes the index unless the last refresh was this recent."""
REWRITE_PAUSE = 600.0
"""Seconds at least between two rewritings."""
READ_AT_ONCE = 500
"""Rows. Ten times as many would take 40 MiB while documents are built, and would not be faster."""
_DOCUMENTS = {"vacancies": documents.vacancy_document, "resumes": documents.resume_document}


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

    def __init__(self, store: IndexStore, transactions: Transactions) -> None:
        self._store = store
        self.kind = store.name
        self._transactions = transactions
        self._is_open = False
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
        """Open the stored index, or build one from the tables."""
        async with self._transactions() as tx:
            self._name, now = await queries.database_name(tx), await Horizon.now(tx)
        state = await self._store.load()
        done = state.get("horizon")
        if state.get("database") != self._name or not isinstance(done, int) or done > now.done:
            await self._make()
        else:
            self._horizon, self._is_open = Horizon(done), True
            self._erased, self._rewriting = _rewriting_in(state)
        await self.catch_up()
        self._store.serve(self.refresh)

    async def refresh(self) -> None:
        """Apply the changes committed so far; concurrent callers share one run.

        Errors are ignored: the update loop meets them next and handles them.
        """
        asked = time.monotonic() - FRESH_SECONDS
        with suppress(Exception):
            async with self._turn:
                if self._began < asked:
                    await self._catch_up()

    async def _make(self) -> None:
        """Fill the index from all rows in chunks, each in its own transaction."""
        async with self._transactions() as tx:
            self._horizon, self._seen = await Horizon.now(tx), {}
            self._erased, self._rewriting = await queries.count_of_erased(tx), None
        await self._store.start_over()
        last, rows = UUID(int=0), 1
        while rows:
            async with self._transactions() as tx:
                chunk = await queries.rows_after(tx, self.kind, last, READ_AT_ONCE)
            rows = len(chunk)
            await self._put(chunk, fresh=True)
            last = UUID(chunk[-1].id) if chunk else last
        await self._apply()  # what was committed meanwhile, so that searches miss nothing
        await self._store.publish(self._state())
        self._is_open = True
        size = await self._store.size()
        log.info("search index built", index=self.kind, documents=size)

    async def catch_up(self) -> bool:
        """Apply the changes committed since the last call; returns whether there were any.

        Raises `Lost` if the database has gone back in time.
        """
        async with self._turn:
            return await self._catch_up()

    async def _catch_up(self) -> bool:
        if not self._is_open:  # closed in the meantime
            return False
        self._began = time.monotonic()
        before = self._horizon, self._seen
        try:
            has_changed = await self._apply()
            if has_changed:
                await self._store.publish(self._state())
        except BaseException:
            self._horizon, self._seen = before  # the next call applies them again
            raise
        return has_changed

    async def _apply(self) -> bool:
        """Write the changes since the horizon, and advance it; returns whether there were any."""
        async with self._transactions() as tx:
            horizon, changed = await queries.changed_since(tx, self.kind, self._horizon)
            new = [id for id, when in changed.items() if self._seen.get(id) != when]
            if horizon.done < self._horizon.done:
                raise Lost("the database has gone back in time")
            for start in range(0, len(new), READ_AT_ONCE):
                chunk = await queries.rows_of(tx, self.kind, new[start : start + READ_AT_ONCE])
                await self._put(chunk, fresh=False)
        # Transactions from the horizon on may still commit. Their rows are read again until all
        # earlier transactions are finished, but applied only once.
        self._horizon = horizon
        self._seen = {id: when for id, when in changed.items() if when >= horizon.done}
        return bool(new)

    async def check(self) -> None:
        """Raise `Lost` if the number of documents differs from the number of searchable rows."""
        for _ in range(3):
            await self.catch_up()
            async with self._transactions() as tx:
                rows = await queries.count_of(tx, self.kind)
            if rows == await self._store.size():
                return
        if not await self.catch_up():
            raise Lost(f"{await self._store.size()} documents of {rows} rows")

    async def rewrite(self) -> bool:
        """One step of writing all documents again after an erasure; True if more are to come.

        It begins once what was deleted with the erasure is deleted here. The step is stored, so
        that a restart goes on.
        """
        async with self._turn:
            if not self._is_open:
                return False
            if self._rewriting is None and not await self._begin_rewriting():
                return False
            assert self._rewriting is not None
            expunged = await self._store.expunge()
            if expunged == "later":
                return False
            is_last = expunged == "done"
            if not is_last:
                async with self._transactions() as tx:
                    after = self._rewriting.after
                    chunk = await queries.rows_after(tx, self.kind, after, READ_AT_ONCE)
                await self._put(chunk, fresh=False)
                is_last = len(chunk) < READ_AT_ONCE
            if is_last:
                self._erased, self._rewriting = self._rewriting.erased, None
                self._may_rewrite_at = time.monotonic() + REWRITE_PAUSE
            else:
                self._rewriting = replace(self._rewriting, after=UUID(chunk[-1].id))
            await self._store.publish(self._state())
            if is_last:
                await self._store.delete_unused_files()
                log.info("search index rewritten", index=self.kind)
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

    def _state(self) -> dict[str, JsonValue]:
        state: dict[str, JsonValue] = {
            "database": self._name,
            "horizon": self._horizon.done,
            "erased": self._erased,
        }
        if self._rewriting is not None:
            state["rewriting"] = [self._rewriting.erased, str(self._rewriting.after)]
        return state

    async def _put(self, rows: Sequence[Row[Any]], *, fresh: bool) -> None:
        make = _DOCUMENTS[self.kind]
        await self._store.put(((row.id, make(dict(row._mapping))) for row in rows), fresh=fresh)

    async def close(self) -> None:
        """Close the index."""
        self._is_open = False
        await self._store.close()


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


class Due:
    """What is done every so many seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._last = time.monotonic()

    def now(self) -> bool:
        """Whether it is due; if so, the time begins again."""
        now = time.monotonic()
        if now < self._last + self._every:
            return False
        self._last = now
        return True


async def follow(
    updater: IndexUpdater,
    *,
    idle: float = EVERY_SECONDS,
    check: Callable[[], Awaitable[None]] | None = None,
    every: float = 0.0,
) -> None:
    """Apply changes until the index is lost. It stays in use while the database is unavailable.

    `idle`: the pause in seconds. `check`, called `every` so many seconds, raises if the index is
    another process's to write. Ends with `Lost` or `Superseded`.
    """
    is_whose, is_whole, is_rewritten = Due(every), Due(CHECK_SECONDS), Due(REWRITE_SECONDS)

    async def step() -> bool:
        if check is not None and is_whose.now():
            try:
                await check()
            except Exception as error:
                raise Superseded from error
        await (updater.check() if is_whole.now() else updater.catch_up())
        if is_rewritten.now():
            await updater.rewrite()
        return False

    await run_steps(
        "search index",
        step,
        idle=idle,
        backoff=Backoff(first=2 * SHARED_SECONDS, longest=10.0),
        ended_by=Unusable,
        index=updater.kind,
    )
