"""Commands that write the security log, and delete what is old."""

from uuid import UUID

from sqlalchemy import delete, insert, or_

from hirewire.auth.security_log.rules import KEPT, What
from hirewire.auth.tables import security_event
from hirewire.auth.where import Where
from hirewire.kit.clock import now
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx


async def note(tx: Tx, user_id: UUID | None, what: What, where: Where) -> None:
    """Note an act in the log of a user's account.

    `user_id` is None for an address without an account: such a row belongs to nobody, and is
    written so that the answer takes as long as for an account.
    """
    await tx.execute(
        insert(security_event).values(
            id=new_id(),
            user_id=user_id,
            what=what,
            at=now(),
            device=where.device,
            network=where.network,
        )
    )


async def forget_old(tx: Tx) -> None:
    """Delete what is older than `KEPT`, and what belongs to nobody."""
    its = security_event.c
    await tx.execute(
        delete(security_event).where(or_(its.user_id.is_(None), its.at <= now() - KEPT))
    )
