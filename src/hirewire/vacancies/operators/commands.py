"""Commands that keep who is an operator."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.tables import operator


async def set_operator(tx: Tx, user_id: UUID, *, is_operator: bool) -> None:
    """Make somebody an operator, or end that. A repetition changes nothing."""
    if is_operator:
        row = insert(operator).values(user_id=user_id, since=now())
        await tx.execute(row.on_conflict_do_nothing())
    else:
        await tx.execute(delete(operator).where(operator.c.user_id == user_id))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Forget that a user who is erased was an operator; returns how many rows."""
    gone = await tx.execute(delete(operator).where(operator.c.user_id == user_id))
    return gone.rowcount
