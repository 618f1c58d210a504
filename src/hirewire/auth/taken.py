"""Addresses that have an account, when somebody else wants them."""

from datetime import timedelta

from sqlalchemy import select

from hirewire.auth.notices import Requester, notify
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.queries import times_since
from hirewire.auth.tables import user
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.transaction import Tx

MAILS_WINDOW = timedelta(days=1)
"""At most one mail in this time notifies the owner that somebody wants to use their address."""


class EmailTaken(AppError):
    """This email is already registered."""

    slug = "email-taken"
    code = "email_taken"
    kind = Kind.CONFLICT


async def notify_owner(tx: Tx, email_key: str, requester: Requester) -> bool:
    """Notify the owner of an address that somebody tried to use it; False if there is no owner.

    The security log of the account has it, and a mail is sent once a day at most.
    """
    result = await tx.execute(select(user.c.id).where(user.c.email_key == email_key))
    owner = result.scalar()
    if owner is None:
        return False
    before = await times_since(tx, owner, "registration_tried", now() - MAILS_WINDOW)
    await note(tx, owner, "registration_tried", requester.where)
    if not before:
        await notify(tx, owner, "registration_tried", requester, page="/signin")
    return True
