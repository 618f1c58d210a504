"""What a login is checked against."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def login_of(tx: Tx, email_key: str) -> Row[UUID, str] | None:
    """Id and password hash of the account with this address."""
    found = await tx.execute(
        select(user.c.id, user.c.password_hash).where(user.c.email_key == email_key)
    )
    return found.first()


async def role_of(tx: Tx, user_id: UUID) -> str:
    """The role as it is now."""
    found = await tx.execute(select(user.c.role).where(user.c.id == user_id))
    role: str = found.scalar_one()
    return role
