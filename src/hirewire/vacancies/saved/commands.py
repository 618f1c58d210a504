"""Commands that save vacancies and remove them again."""

from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.errors import NoSuchVacancy
from hirewire.vacancies.saved import queries
from hirewire.vacancies.tables import saved_vacancy

MOST_SAVED = 500


class TooManySaved(AppError):
    """The limit of saved vacancies has been reached: remove one."""

    slug = "too-many-saved"
    code = "too_many_saved"
    kind = Kind.CONFLICT


async def save(tx: Tx, user_id: UUID, vacancy_id: UUID) -> None:
    """Save a vacancy; saving it again changes nothing. Raises `NoSuchVacancy`, `TooManySaved`."""
    if not await queries.can_be_saved(tx, vacancy_id):
        raise NoSuchVacancy
    # The lock makes concurrent requests of one person count one after the other.
    await lock(tx, f"saved vacancies {user_id}")
    mine = saved_vacancy.c.user_id == user_id
    others = select(func.count()).where(mine, saved_vacancy.c.vacancy_id != vacancy_id)
    if (await tx.execute(others)).scalar_one() >= MOST_SAVED:
        raise TooManySaved
    one = insert(saved_vacancy).values(user_id=user_id, vacancy_id=vacancy_id, saved_at=now())
    await tx.execute(one.on_conflict_do_nothing())


async def remove(tx: Tx, user_id: UUID, vacancy_id: UUID) -> None:
    """Remove a vacancy from the saved ones. A vacancy that is not saved changes nothing."""
    await tx.execute(
        delete(saved_vacancy).where(
            saved_vacancy.c.user_id == user_id, saved_vacancy.c.vacancy_id == vacancy_id
        )
    )


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the saved vacancies of a user who is erased; returns how many."""
    gone = await tx.execute(delete(saved_vacancy).where(saved_vacancy.c.user_id == user_id))
    return gone.rowcount
