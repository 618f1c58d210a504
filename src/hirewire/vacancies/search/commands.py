"""Commands of saved searches."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from hirewire.contracts.vacancies import SearchMatchWithdrawn
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.tables import saved_search, search_match

MOST_SAVED = 100


class NoSuchSearch(NotFound):
    """Saved search not found, or it is not yours."""

    code = "search_not_found"


class TooManySearches(AppError):
    """The limit of saved searches has been reached: delete one."""

    slug = "too-many-searches"
    code = "too_many_searches"
    kind = Kind.CONFLICT


async def save(
    tx: Tx, user_id: UUID, name: str, query: Mapping[str, object], *, alerts: bool
) -> UUID:
    """Save a search; returns its id. Raises `TooManySearches`."""
    # The lock makes concurrent requests of one person count one after the other.
    await lock(tx, f"saved searches {user_id}")
    count = select(func.count()).where(saved_search.c.user_id == user_id)
    if (await tx.execute(count)).scalar_one() >= MOST_SAVED:
        raise TooManySearches
    id, moment = new_id(), now()
    await tx.execute(
        insert(saved_search).values(
            id=id,
            user_id=user_id,
            name=name,
            query=query,
            created_at=moment,
            seen_at=moment,
            alerts_since=moment if alerts else None,
        )
    )
    return id


async def remove(tx: Tx, user_id: UUID, id: UUID) -> None:
    """Delete a saved search. Raises `NoSuchSearch`. Takes its alerts back."""
    its = saved_search.c
    statement = delete(saved_search).where(its.id == id, its.user_id == user_id)
    gone = (await tx.execute(statement.returning(its.alerts_since))).first()
    if gone is None:
        raise NoSuchSearch
    if gone.alerts_since is not None:
        _take_back(tx, user_id, id)


async def alert(tx: Tx, user_id: UUID, id: UUID) -> None:
    """Alert about vacancies that are published from now on. Raises `NoSuchSearch`.

    A search that has alerts stays as it is.
    """
    row = await _locked(tx, user_id, id)
    if row.alerts_since is None:
        await _set_alerts(tx, id, now())


async def alert_no_more(tx: Tx, user_id: UUID, id: UUID) -> None:
    """End the alerts of a search, and take back those of before. Raises `NoSuchSearch`."""
    row = await _locked(tx, user_id, id)
    if row.alerts_since is not None:
        await _set_alerts(tx, id, None)
        await tx.execute(delete(search_match).where(search_match.c.saved_search_id == id))
        _take_back(tx, user_id, id)


async def _locked(tx: Tx, user_id: UUID, id: UUID) -> Row[Any]:
    its = saved_search.c
    chosen = select(its.alerts_since).where(its.id == id, its.user_id == user_id)
    row = (await tx.execute(chosen.with_for_update())).first()
    if row is None:
        raise NoSuchSearch
    return row


async def _set_alerts(tx: Tx, id: UUID, since: datetime | None) -> None:
    changed = update(saved_search).where(saved_search.c.id == id).values(alerts_since=since)
    await tx.execute(changed)


def _take_back(tx: Tx, user_id: UUID, id: UUID) -> None:
    record(tx, SearchMatchWithdrawn(user_id=user_id, search_ids=[id], reason="alerts_off"))


async def mark_seen(tx: Tx, user_id: UUID, id: UUID) -> datetime:
    """Mark all current results as seen; returns the time. Raises `NoSuchSearch`."""
    statement = (
        update(saved_search)
        .where(saved_search.c.id == id, saved_search.c.user_id == user_id)
        .values(seen_at=now())
        .returning(saved_search.c.seen_at)
    )
    seen: datetime | None = (await tx.execute(statement)).scalar()
    if seen is None:
        raise NoSuchSearch
    return seen


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the saved searches of a user who is erased; returns how many."""
    gone = await tx.execute(delete(saved_search).where(saved_search.c.user_id == user_id))
    return gone.rowcount
