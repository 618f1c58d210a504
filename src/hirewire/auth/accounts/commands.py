"""Commands for registration."""

from uuid import UUID

from sqlalchemy import insert, select

from hirewire.auth import registering
from hirewire.auth.credentials import email_key
from hirewire.auth.logins import digest
from hirewire.auth.notices import Requester, notify
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.queries import times_since
from hirewire.auth.tables import mail_request, user
from hirewire.auth.verification_mails import send_verification
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind
from hirewire.kit.mail.letters import Language
from hirewire.messaging.transaction import Tx


class EmailTaken(AppError):
    """This email is already registered."""

    slug = "email-taken"
    code = "email_taken"
    kind = Kind.CONFLICT


async def register(
    tx: Tx, *, email: str, password_hash: str, public_url: str, language: Language | None = None
) -> UUID:
    """Register an applicant; returns their id. Records `UserRegistered`. Raises `EmailTaken`.

    A mail asks the user to verify the address.
    """
    id = await registering.add(tx, email=email, password_hash=password_hash, language=language)
    if id is None:
        raise EmailTaken
    await send_verification(
        tx, id, email, email_key(email), public_url=public_url, language=language, is_first=True
    )
    return id


async def note_taken(tx: Tx, email: str, network: str, requester: Requester) -> None:
    """Note that somebody tried to register with the address of an account.

    It counts for the network. The security log of the owner has it, and a mail notifies them, once
    a day at most.
    """
    key, moment = email_key(email), now()
    await tx.execute(
        insert(mail_request).values(
            network=network, account=digest(key), purpose=registering.TAKEN, at=moment
        )
    )
    result = await tx.execute(select(user.c.id).where(user.c.email_key == key))
    owner = result.scalar()
    if owner is None:  # deleted just now
        return
    since = moment - registering.TAKEN_MAILS_WINDOW
    before = await times_since(tx, owner, "registration_tried", since)
    await note(tx, owner, "registration_tried", requester.where)
    if not before:
        await notify(tx, owner, "registration_tried", requester, page="/signin")
