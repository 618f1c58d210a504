"""Queries for logging in: the password hash and the role of an account."""

from uuid import UUID

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.messaging.transaction import Tx


async def login_of(tx: Tx, email_key: str) -> Row[UUID, str] | None:
    """The id and password hash of the account with this e-mail key; None if there is none."""
    result = await tx.execute(
        select(user.c.id, user.c.password_hash).where(user.c.email_key == email_key)
    )
    return result.first()


async def still_has(tx: Tx, user_id: UUID, password_hash: str) -> bool:
    """Whether this is still the user's password hash; it cannot change until the commit."""
    result = await tx.execute(
        select(user.c.id)
        .where(user.c.id == user_id, user.c.password_hash == password_hash)
        .with_for_update(read=True)
    )
    return result.first() is not None


async def role_of(tx: Tx, user_id: UUID) -> str:
    """The current role of an existing user."""
    result = await tx.execute(select(user.c.role).where(user.c.id == user_id))
    role: str = result.scalar_one()
    return role
