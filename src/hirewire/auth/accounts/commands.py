"""Commands for registration."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from hirewire.auth.accounts import rules
from hirewire.auth.credentials import email_key
from hirewire.auth.logins import digest
from hirewire.auth.notices import Requester, notify
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.queries import times_since
from hirewire.auth.tables import mail_request, registration, user
from hirewire.auth.verification_mails import send_verification
from hirewire.contracts.auth import UserRegistered
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.kit.mail.letters import Language
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

TAKEN = "email_taken"


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
    id, key, moment = new_id(), email_key(email), now()
    made = await tx.execute(
        insert(user)
        .values(
            id=id,
            email=email,
            email_key=key,
            password_hash=password_hash,
            role="applicant",
            registered_at=moment,
            language=language,
        )
        .on_conflict_do_nothing(index_elements=[user.c.email_key])
        .returning(user.c.id)
    )
    if made.first() is None:
        raise EmailTaken
    record(tx, UserRegistered(id=id, email=email, registered_at=moment))
    await send_verification(
        tx, id, email, key, public_url=public_url, language=language, is_first=True
    )
    return id


async def note_taken(tx: Tx, email: str, network: str, requester: Requester) -> None:
    """Note that somebody tried to register with the address of an account.

    It counts for the network. The security log of the owner has it, and a mail notifies them, once
    a day at most.
    """
    key, moment = email_key(email), now()
    await tx.execute(
        insert(mail_request).values(network=network, account=digest(key), purpose=TAKEN, at=moment)
    )
    result = await tx.execute(select(user.c.id).where(user.c.email_key == key))
    owner = result.scalar()
    if owner is None:  # deleted just now
        return
    since = moment - rules.TAKEN_MAILS_WINDOW
    before = await times_since(tx, owner, "registration_tried", since)
    await note(tx, owner, "registration_tried", requester.where)
    if not before:
        await notify(tx, owner, "registration_tried", requester, page="/signin")


async def pause_after_taken(tx: Tx, network: str) -> timedelta:
    """How long the network must wait, since it has learned of too many registered addresses.

    Registrations from the network wait for each other until the transaction ends.
    """
    moment = now()
    await lock(tx, f"registration {network}")
    its = mail_request.c
    result = await tx.execute(
        select(func.count(), func.min(its.at)).where(
            its.network == network,
            its.purpose == TAKEN,
            its.at > moment - rules.REGISTRATIONS_WINDOW,
        )
    )
    count, oldest = result.one()
    return rules.wait(count, oldest, rules.TAKEN_ANSWERS, moment)


async def admit(tx: Tx, network: str, most: int) -> timedelta:
    """Check the registration limit and count an attempt; returns zero, or how long to wait.

    `most` attempts an hour are allowed. Failed attempts count too, so that nobody can probe which
    addresses have an account. An advisory lock serialises the attempts from one network.
    """
    pause = await pause_after_taken(tx, network)
    if pause:
        return pause
    moment = now()
    table = registration.c
    result = await tx.execute(
        select(func.count(), func.min(table.at)).where(
            table.network == network, table.at > moment - rules.REGISTRATIONS_WINDOW
        )
    )
    count, oldest = result.one()
    pause = rules.wait(count, oldest, most, moment)
    if not pause:
        await tx.execute(insert(registration).values(network=network, at=moment))
    return pause


async def forget_registrations(tx: Tx) -> None:
    """Delete registration attempts that are older than the window."""
    await tx.execute(
        delete(registration).where(registration.c.at <= now() - rules.REGISTRATIONS_WINDOW)
    )
