"""Commands of saved searches."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.tables import saved_search

MOST_SAVED = 100


class NoSuchSearch(NotFound):
    """Saved search not found, or it is not yours."""

    code = "search_not_found"


class TooManySearches(AppError):
    """The limit of saved searches has been reached: delete one."""

    slug = "too-many-searches"
    code = "too_many_searches"
    kind = Kind.CONFLICT


async def save(tx: Tx, user_id: UUID, name: str, query: Mapping[str, object]) -> UUID:
    """Save a search; returns its id. Raises `TooManySearches`."""
    # The lock makes concurrent requests of one person count one after the other.
    await lock(tx, f"saved searches {user_id}")
    count = select(func.count()).where(saved_search.c.user_id == user_id)
    if (await tx.execute(count)).scalar_one() >= MOST_SAVED:
        raise TooManySearches
    id, moment = new_id(), now()
    await tx.execute(
        insert(saved_search).values(
            id=id, user_id=user_id, name=name, query=query, created_at=moment, seen_at=moment
        )
    )
    return id


async def remove(tx: Tx, user_id: UUID, id: UUID) -> None:
    """Delete a saved search. Raises `NoSuchSearch`."""
    statement = delete(saved_search).where(
        saved_search.c.id == id, saved_search.c.user_id == user_id
    )
    if (await tx.execute(statement)).rowcount == 0:
        raise NoSuchSearch


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
