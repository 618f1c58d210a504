"""Commands for registration."""

from typing import NamedTuple, TypedDict
from uuid import UUID

from sqlalchemy import insert, select, update

from hirewire.auth import registering
from hirewire.auth.announcing import announce_locale
from hirewire.auth.credentials import email_key
from hirewire.auth.logins import digest
from hirewire.auth.notices import Requester
from hirewire.auth.tables import mail_request, user
from hirewire.auth.taken import EmailTaken, notify_owner
from hirewire.auth.verification_mails import send_verification
from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.mail.letters import Language
from hirewire.messaging.transaction import Tx


class Locale(NamedTuple):
    """The language and the time zone of a user."""

    language: str | None
    time_zone: str | None


class LocaleChanges(TypedDict, total=False):
    """What a user changes of them."""

    language: Language
    time_zone: str | None


async def register(
    tx: Tx,
    *,
    email: str,
    password_hash: str,
    public_url: str,
    language: Language | None = None,
    time_zone: str | None = None,
) -> UUID:
    """Register an applicant; returns their id. Records `UserRegistered`. Raises `EmailTaken`.

    A mail asks the user to verify the address.
    """
    id = await registering.add(
        tx, email=email, password_hash=password_hash, language=language, time_zone=time_zone
    )
    if id is None:
        raise EmailTaken
    await send_verification(
        tx, id, email, email_key(email), public_url=public_url, language=language, is_first=True
    )
    return id


async def change_locale(tx: Tx, user_id: UUID, changes: LocaleChanges) -> None:
    """Change the language of mails, which a sign-in does not change from then on, or the time zone.

    Records `UserLocaleChanged` unless nothing changes. Raises `Unauthenticated` without the user.
    """
    its = user.c
    found = await tx.execute(
        select(its.language, its.time_zone).where(its.id == user_id).with_for_update(key_share=True)
    )
    before = found.first()
    if before is None:
        raise Unauthenticated("This account does not exist any more.")
    values = Locale(
        changes.get("language", before.language), changes.get("time_zone", before.time_zone)
    )
    changed = update(user).where(its.id == user_id).values(values._asdict())
    if "language" in changes:
        changed = changed.values(is_language_chosen=True)
    await tx.execute(changed)
    if values != tuple(before):
        announce_locale(tx, user_id, values.language, values.time_zone, now())


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
