"""Failed sign-ins in the security log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from hirewire.auth import limits, logins
from hirewire.auth.security_log.commands import note
from hirewire.auth.tables import security_event
from hirewire.auth.where import Where
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


async def note_failure(
    tx: Tx, network: str, account: str, user_id: UUID | None, where: Where
) -> None:
    """Note a failed sign-in, which `admit` has counted, in the log of the account.

    Of the failures from one network the first within 15 minutes is noted, and the last one that is
    allowed. `user_id` is None for an address without an account, for which the same is done.
    """
    failed = await logins.failed(tx, network, account, user_id)
    if failed == "first":
        await note(tx, user_id, "sign_in_failed", where)
    elif failed == "locked":
        before = await _last_lock(tx, user_id)
        if before is None or before <= now() - limits.FAILURES_WINDOW:
            await note(tx, user_id, "sign_in_locked", where)


async def _last_lock(tx: Tx, user_id: UUID | None) -> datetime | None:
    its, whose = security_event.c, user_id or UUID(int=0)
    result = await tx.execute(
        select(func.max(its.at)).where(its.user_id == whose, its.what == "sign_in_locked")
    )
    at: datetime | None = result.scalar()
    return at
