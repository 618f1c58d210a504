"""The command that changes a user's role."""

from uuid import UUID

from sqlalchemy import select, update

from hirewire.auth.tables import user
from hirewire.contracts.auth import UserRoleChanged
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx


class NoSuchUser(Exception):
    """There is no user with this id."""


async def make_employer(tx: Tx, user_id: UUID) -> bool:
    """Make an applicant an employer. Returns False for an employer, and for an admin, whose other
    role it becomes.

    Records `UserRoleChanged`. Raises `NoSuchUser`.
    """
    result = await tx.execute(select(user.c.role).where(user.c.id == user_id).with_for_update())
    role = result.scalar()
    if role is None:
        raise NoSuchUser(f"no user {user_id}")
    if role == "admin":
        await tx.execute(update(user).where(user.c.id == user_id).values(role_besides="employer"))
    if role != "applicant":
        return False
    await tx.execute(update(user).where(user.c.id == user_id).values(role="employer"))
    record(tx, UserRoleChanged(user_id=user_id, role="employer", previous_role="applicant"))
    return True
