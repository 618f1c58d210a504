"""The end of all personal access tokens of a user: shared by the features."""

from uuid import UUID

from sqlalchemy import delete

from hirewire.auth.tables import personal_token
from hirewire.kit.db import lock
from hirewire.messaging.transaction import Tx


async def lock_tokens(tx: Tx, user_id: UUID) -> None:
    """Wait until nobody else makes or revokes tokens of the user, and keep them waiting."""
    await lock(tx, f"personal tokens {user_id}")


async def revoke_tokens(tx: Tx, user_id: UUID) -> bool:
    """Delete all personal access tokens of a user; False if there were none.

    To be called after the sessions have ended: a token that is made meanwhile is of an ended one.
    """
    await lock_tokens(tx, user_id)
    result = await tx.execute(delete(personal_token).where(personal_token.c.user_id == user_id))
    return result.rowcount > 0
