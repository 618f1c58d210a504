"""Commands that write the security log, and delete what is old."""

from uuid import UUID

from sqlalchemy import CTE, FromClause, bindparam, delete, insert, literal, or_, select

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


def noted(what: What, of: FromClause) -> CTE:
    """Note an act for each row of `of`, as a part of a statement.

    Its parameters are `event_id`, `user_id`, `at`, `device` and `coarse_network`.
    """
    its = security_event.c
    values = select(
        bindparam("event_id", type_=its.id.type),
        bindparam("user_id", type_=its.user_id.type),
        literal(what, its.what.type),
        bindparam("at", type_=its.at.type),
        bindparam("device", type_=its.device.type),
        bindparam("coarse_network", type_=its.network.type),
    )
    columns = [its.id, its.user_id, its.what, its.at, its.device, its.network]
    return insert(security_event).from_select(columns, values.select_from(of)).cte("noted")


async def forget_old(tx: Tx) -> None:
    """Delete what is older than `KEPT`, and what belongs to nobody."""
    its = security_event.c
    await tx.execute(
        delete(security_event).where(or_(its.user_id.is_(None), its.at <= now() - KEPT))
    )
