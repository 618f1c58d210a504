"""New accounts, and how many one network may make: shared by all ways to sign up."""

from datetime import timedelta
from uuid import UUID

from fastapi import Request
from sqlalchemy import delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.auth import networks
from hirewire.auth.announcing import announce_locale, announce_verification
from hirewire.auth.credentials import email_key
from hirewire.auth.tables import mail_request, registration, user
from hirewire.contracts.auth import UserRegistered
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.kit.http import transactions_of
from hirewire.kit.mail.letters import Language
from hirewire.kit.quotas import seconds_to_wait
from hirewire.kit.settings import Settings
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

WINDOW = timedelta(hours=1)
TAKEN_ANSWERS = 5
"""How often one network learns within the window that an address is registered. After that, every
registration from it gets the answer "too many", whatever the address."""
TAKEN = "email_taken"
"""The purpose of `mail_request` that counts these answers."""


class TooManyRegistrations(AppError):
    """Too many accounts were created from your network; try again later."""

    slug = "too-many-registrations"
    code = "too_many_registrations"
    kind = Kind.TOO_MANY


async def add(
    tx: Tx,
    *,
    email: str,
    password_hash: str | None,
    language: Language | None,
    time_zone: str | None = None,
    is_verified: bool = False,
) -> UUID | None:
    """Add an applicant; returns their id, or None if the address has an account.

    Records `UserRegistered`, and what else is known of the user.
    """
    id, moment = new_id(), now()
    made = await tx.execute(
        upsert(user)
        .values(
            id=id,
            email=email,
            email_key=email_key(email),
            password_hash=password_hash,
            role="applicant",
            registered_at=moment,
            language=language,
            time_zone=time_zone,
            email_verified_at=moment if is_verified else None,
        )
        .on_conflict_do_nothing(index_elements=[user.c.email_key])
        .returning(user.c.id)
    )
    if made.first() is None:
        return None
    record(tx, UserRegistered(id=id, email=email, registered_at=moment))
    if language is not None or time_zone is not None:
        announce_locale(tx, id, language, time_zone, moment)
    if is_verified:
        announce_verification(tx, id, moment)
    return id


async def check_limit(request: Request) -> None:
    """Raise `TooManyRegistrations` if the network has reached the limit.

    Loopback addresses are not limited, for imports and trials on the same machine.
    """
    settings: Settings = request.app.state.settings
    address = request.client.host if request.client else ""
    if networks.is_this_machine(address):
        return
    most = settings.registrations_per_hour
    async with transactions_of(request)() as tx:
        await _admit(tx, networks.network(address), most)


async def refuse_after_taken(tx: Tx, network: str) -> None:
    """Raise `TooManyRegistrations` if the network has learned of too many registered addresses.

    Registrations from the network wait for each other until the transaction ends.
    """
    await lock(tx, f"registration {network}")
    its = mail_request.c
    whose = (its.network == network, its.purpose == TAKEN)
    _refuse(await seconds_to_wait(tx, its.at, *whose, most=TAKEN_ANSWERS, window=WINDOW))


async def _admit(tx: Tx, network: str, most: int) -> None:
    """Check the limit and count an attempt. Raises `TooManyRegistrations`.

    `most` attempts an hour are allowed. Failed attempts count too, so that nobody can probe which
    addresses have an account. An advisory lock serialises the attempts from one network.
    """
    await refuse_after_taken(tx, network)
    its = registration.c
    whose = its.network == network
    _refuse(await seconds_to_wait(tx, its.at, whose, most=most, window=WINDOW))
    await tx.execute(insert(registration).values(network=network, at=now()))


def _refuse(seconds: int) -> None:
    if seconds:
        raise TooManyRegistrations(retry_after=seconds)


async def forget_old(tx: Tx) -> None:
    """Delete attempts that are older than the window."""
    await tx.execute(delete(registration).where(registration.c.at <= now() - WINDOW))
