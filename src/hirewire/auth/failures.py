"""Failed sign-ins in the security log, and the mail about a locked account."""

from uuid import UUID

from hirewire.auth import limits, logins
from hirewire.auth.notices import Requester, notify
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.queries import times_since
from hirewire.kit.clock import now
from hirewire.messaging import erasure
from hirewire.messaging.transaction import Tx

NOBODY = UUID(int=0)


async def note_failure(
    tx: Tx, network: str, account: str, user_id: UUID | None, requester: Requester
) -> None:
    """Note a failed sign-in, which `admit` has counted, in the log of the account.

    Of the failures from one network the first within 15 minutes is noted, and the last one that is
    allowed, about which a mail notifies the owner once a day. `user_id` is None for an address
    without an account, for which the same is done but for the mail.
    """
    if user_id is not None and await erasure.is_erased(tx, str(user_id)):
        user_id = None
    failed = await logins.failed(tx, network, account, user_id)
    if failed == "first":
        await note(tx, user_id, "sign_in_failed", requester.where)
    elif failed == "locked":
        await _note_lock(tx, user_id, requester)


async def _note_lock(tx: Tx, user_id: UUID | None, requester: Requester) -> None:
    moment, owner = now(), user_id or NOBODY
    if await times_since(tx, owner, "sign_in_locked", moment - limits.FAILURES_WINDOW):
        return
    of_day = await times_since(tx, owner, "sign_in_locked", moment - limits.LOCK_MAILS_WINDOW)
    await note(tx, user_id, "sign_in_locked", requester.where)
    if user_id is not None and not of_day:
        await notify(tx, user_id, "sign_in_locked", requester)
