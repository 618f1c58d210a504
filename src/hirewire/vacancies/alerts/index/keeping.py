"""The saved searches in the memory of this process, kept as they are in the table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.alerts.index.facts import AnyBoard, Facts
from hirewire.vacancies.alerts.index.searches import Alert, SavedSearches
from hirewire.vacancies.search.filters import vacancy_filters
from hirewire.vacancies.search.index.documents import Document, micros
from hirewire.vacancies.search.index.engine import Board, index_for
from hirewire.vacancies.search.index.query import SearchFilters
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.models import Typed, VacancyFilters
from hirewire.vacancies.search.queries import Horizon

log = structlog.get_logger(__name__)
READ_AT_ONCE = 500
FIRST = UUID(int=0)
_COLUMNS = "s.id, s.query, s.alerts_since, s.changed"
_AFTER = f"""
select {_COLUMNS} from saved_search s where s.alerts_since is not null and s.id > $1
order by s.id limit $2
"""  # noqa: S608
_CHANGED = f"""
select now.done, {_COLUMNS}
from (select pg_snapshot_xmin(pg_current_snapshot()) as done) now
left join saved_search s on s.changed >= $1
    and s.changed < pg_snapshot_xmax(pg_current_snapshot())
"""  # noqa: S608
_COUNT = "select count(*) from saved_search where alerts_since is not null"


class AlertIndex:
    """All saved searches with alerts, as of a position in the order of transactions."""

    def __init__(self) -> None:
        self._saved = SavedSearches()
        self._horizon: Horizon | None = None
        """None until all were read."""
        self._seen: dict[UUID, int] = {}
        self._turn = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._saved)

    async def catch_up(self, tx: Tx) -> None:
        """Apply the changes that were committed since the last call."""
        async with self._turn:
            if self._horizon is None:
                await self._read_all(tx)
            assert self._horizon is not None
            found = (await tx.exec_driver_sql(_CHANGED, (self._horizon.done,))).all()
            horizon = Horizon(int(found[0].done))
            if horizon.done < self._horizon.done:  # the database has gone back in time
                await self._read_all(tx)
                return
            rows = [row for row in found if row.id is not None]
            for row in rows:
                if self._seen.get(row.id) != row.changed:
                    _put(self._saved, row)
            # As in the index of the search: what may still commit is read again.
            self._horizon = horizon
            self._seen = {row.id: row.changed for row in rows if row.changed >= horizon.done}

    async def check(self, tx: Tx) -> None:
        """Read everything again if many searches are here that were deleted."""
        await self.catch_up(tx)
        rows = (await tx.exec_driver_sql(_COUNT)).scalar_one()
        if len(self) > rows + max(READ_AT_ONCE, rows // 4):
            async with self._turn:
                await self._read_all(tx)

    async def _read_all(self, tx: Tx) -> None:
        saved, after = SavedSearches(), FIRST
        horizon = await Horizon.now(tx)
        while rows := (await tx.exec_driver_sql(_AFTER, (after, READ_AT_ONCE))).all():
            for row in rows:
                _put(saved, row)
            after = rows[-1].id
            await asyncio.sleep(0)  # others go on meanwhile
        self._saved, self._horizon, self._seen = saved, horizon, {}
        log.info("saved searches read", count=len(saved))

    def meeting(self, document: Document, board: Board) -> list[UUID]:
        """The searches that find this vacancy now."""
        return self._saved.meeting(Facts(document, board), micros(now()))

    def forget(self, ids: Iterable[UUID]) -> None:
        """Remove searches that were deleted."""
        for id in ids:
            self._saved.remove(id)


def _put(saved: SavedSearches, row: Row[Any]) -> None:
    if row.alerts_since is None:
        saved.remove(row.id)
        return
    try:
        filters, days = _read(row.query)
    except ValidationError:
        log.error("a saved search cannot be read, and has no alerts", id=str(row.id))
        saved.remove(row.id)
        return
    saved.put(Alert(row.id, filters, days, micros(row.alerts_since)))


def _read(query: Mapping[str, object]) -> tuple[SearchFilters, int | None]:
    """The filters of a stored search, and how many days it goes back.

    Many searches have the same filters: these are read once. Raises `ValidationError`.
    """
    typed = Typed.model_validate({name: query[name] for name in ("q",) if name in query})
    others = {name: value for name, value in query.items() if name != "q"}
    filters, days = _others(json.dumps(others, sort_keys=True))
    return replace(filters, text=typed.q), days


@lru_cache(maxsize=10_000)
def _others(text: str) -> tuple[SearchFilters, int | None]:
    """The filters but for the text. The days count back from the moment of the search, so they are
    kept on their own.
    """
    given = VacancyFilters.model_validate(json.loads(text))
    return vacancy_filters(given.model_copy(update={"days": None})), given.days


_indexes: WeakKeyDictionary[AsyncEngine, AlertIndex] = WeakKeyDictionary()


def index_of(tx: Tx) -> AlertIndex:
    """The saved searches of the database of `tx`, in this process."""
    return _indexes.setdefault(tx.engine, AlertIndex())


def board_of(tx: Tx) -> Board:
    """What the open vacancies contain, as far as this process knows."""
    index = index_for(tx, VACANCIES)
    return AnyBoard() if index is None else index.board()
