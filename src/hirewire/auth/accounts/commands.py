"""Commands for registration."""

from uuid import UUID

from sqlalchemy import insert

from hirewire.auth import registering
from hirewire.auth.credentials import email_key
from hirewire.auth.logins import digest
from hirewire.auth.notices import Requester
from hirewire.auth.tables import mail_request
from hirewire.auth.taken import EmailTaken, notify_owner
from hirewire.auth.verification_mails import send_verification
from hirewire.kit.clock import now
from hirewire.kit.mail.letters import Language
from hirewire.messaging.transaction import Tx


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

    It counts for the network, and the owner is notified.
    """
    key, moment = email_key(email), now()
    await tx.execute(
        insert(mail_request).values(
            network=network, account=digest(key), purpose=registering.TAKEN, at=moment
        )
    )
    await notify_owner(tx, key, requester)
