"""Commands for registration."""

from uuid import UUID

from hirewire.auth import registering
from hirewire.auth.credentials import email_key
from hirewire.auth.verification_mails import send_verification
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
