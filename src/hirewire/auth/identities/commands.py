"""Commands that sign people in by their identity at a provider, connect it and disconnect it."""

import json
import secrets
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from hirewire.auth import limits, registering
from hirewire.auth.credentials import email_key, normalised_email
from hirewire.auth.granting import Owner
from hirewire.auth.identities import queries
from hirewire.auth.logins import TooManyFailures, digest
from hirewire.auth.notices import Requester, note_and_notify
from hirewire.auth.openid.answers import Identity
from hirewire.auth.tables import identity, provider_callback, sign_up_ticket
from hirewire.auth.ways_in import keep_one
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.kit.quotas import seconds_to_wait
from hirewire.kit.secrets import CannotOpen, seal, unseal
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

PAGE = "/account#identities"
SIGN_UP_LIFE = timedelta(minutes=10)
"""How long the page waits that asks a new person for consent."""
PURPOSE = "sign-up ticket"


class NoEmailAtProvider(AppError):
    """The provider does not share an email address."""

    slug = "no-email-at-provider"
    code = "no_email_at_provider"
    kind = Kind.CONFLICT


class EmailUnverifiedAtProvider(AppError):
    """The provider has not verified the email address."""

    slug = "email-unverified-at-provider"
    code = "email_unverified_at_provider"
    kind = Kind.CONFLICT


class ConnectFirst(AppError):
    """There is an account with this address: sign in to it and connect the provider."""

    slug = "connect-first"
    code = "connect_first"
    kind = Kind.CONFLICT


class IdentityTaken(AppError):
    """Another account is connected to this identity."""

    slug = "identity-taken"
    code = "identity_taken"
    kind = Kind.CONFLICT


class AlreadyConnected(AppError):
    """The account is connected to another identity at this provider: disconnect that first."""

    slug = "already-connected"
    code = "already_connected"
    kind = Kind.CONFLICT


class SignInExpired(AppError):
    """This sign-in has expired, or was begun in another browser: begin again."""

    slug = "sign-in-expired"
    code = "sign_in_expired"
    kind = Kind.GONE


async def admit(tx: Tx, network: str) -> UUID:
    """Count a callback from this network, as a failed one until `forgive`; returns its id.

    Raises `TooManyFailures`. An advisory lock serialises the callbacks of one network.
    """
    await lock(tx, f"provider callback {network}")
    its, most, window = provider_callback.c, limits.CALLBACKS_OF_NETWORK, limits.FAILURES_WINDOW
    whose = its.network == network
    if seconds := await seconds_to_wait(tx, its.at, whose, most=most, window=window):
        raise TooManyFailures(retry_after=seconds)
    id = new_id()
    row = plain_insert(provider_callback).values(id=id, network=network, at=now())
    await tx.execute(row)
    return id


async def forgive(tx: Tx, id: UUID) -> None:
    """Count a callback no longer: it has signed somebody in, or connected an account."""
    await tx.execute(delete(provider_callback).where(provider_callback.c.id == id))


async def owner_of(tx: Tx, found: Identity, provider: str, by: Requester) -> Owner | None:
    """The user who signs in: the connected one, or the one with the same address; else None.

    Raises `NoEmailAtProvider`, `EmailUnverifiedAtProvider` and `ConnectFirst`. Only an address that
    both sides have verified connects: else somebody could register another person's address here,
    or claim it there, and wait.
    """
    await lock(tx, f"identity {found.issuer} {found.subject}")
    owner = await queries.owner_of(tx, found)
    if owner is not None:
        return Owner(owner.id, owner.email_key)
    key = email_key(_verified(found))
    account = await queries.account_at(tx, key)
    if account is None:
        return None
    if not account.is_verified or not await _add(tx, account.id, found, provider):
        raise ConnectFirst
    await note_and_notify(tx, account.id, "identity_connected", by, page=PAGE)
    return Owner(account.id, key)


async def issue_ticket(tx: Tx, found: Identity, provider: str) -> str:
    """A ticket with which somebody who has no account yet signs up. It works once."""
    ticket = secrets.token_urlsafe(32)
    await tx.execute(
        plain_insert(sign_up_ticket).values(
            hash=digest(ticket),
            provider=provider,
            identity=seal(json.dumps(asdict(found)), PURPOSE),
            expires_at=now() + SIGN_UP_LIFE,
        )
    )
    return ticket


async def sign_up(tx: Tx, ticket: str, provider: str, by: Requester) -> Owner:
    """Add the applicant whose ticket this is, and connect their identity.

    Raises `SignInExpired`, also if the identity has an account meanwhile, which a new sign-in opens
    with all that it asks for; and `ConnectFirst` if the address has one.
    """
    found = await _use(tx, ticket, provider)
    await lock(tx, f"identity {found.issuer} {found.subject}")
    if await queries.owner_of(tx, found) is not None:
        raise SignInExpired
    email = _verified(found)
    id = await registering.add(
        tx, email=email, password_hash=None, language=by.language, is_verified=True
    )
    if id is None or not await _add(tx, id, found, provider):
        raise ConnectFirst
    return Owner(id, email_key(email))


async def _use(tx: Tx, ticket: str, provider: str) -> Identity:
    """Use a ticket up; returns the identity in it. Raises `SignInExpired`."""
    its = sign_up_ticket.c
    used = await tx.execute(
        delete(sign_up_ticket)
        .where(its.hash == digest(ticket), its.provider == provider, its.expires_at > now())
        .returning(its.identity)
    )
    row = used.first()
    if row is None:
        raise SignInExpired
    try:
        return Identity(**json.loads(unseal(row.identity, PURPOSE)))
    except CannotOpen:
        raise SignInExpired from None


async def prune(tx: Tx) -> None:
    """Delete expired tickets and old callbacks."""
    moment = now()
    await tx.execute(delete(sign_up_ticket).where(sign_up_ticket.c.expires_at <= moment))
    old = provider_callback.c.at <= moment - limits.FAILURES_WINDOW
    await tx.execute(delete(provider_callback).where(old))


async def connect(tx: Tx, user_id: UUID, found: Identity, provider: str, by: Requester) -> None:
    """Connect an identity to a user's account; a mail notifies them. Repeating changes nothing.

    Raises `IdentityTaken` and `AlreadyConnected`.
    """
    await lock(tx, f"identity {found.issuer} {found.subject}")
    owner = await queries.owner_of(tx, found)
    if owner is not None:
        if owner.id != user_id:
            raise IdentityTaken
        return
    if not await _add(tx, user_id, found, provider):
        raise AlreadyConnected
    await note_and_notify(tx, user_id, "identity_connected", by, page=PAGE)


async def disconnect(tx: Tx, user_id: UUID, id: UUID, by: Requester) -> None:
    """Disconnect an identity; a mail notifies the user. Raises `NotFound` and `LastWayIn`."""
    its = identity.c
    if not any(one.id == id for one in await queries.identities_of(tx, user_id)):
        raise NotFound
    await keep_one(tx, user_id)
    result = await tx.execute(delete(identity).where(its.id == id, its.user_id == user_id))
    if result.rowcount == 0:
        raise NotFound
    await note_and_notify(tx, user_id, "identity_disconnected", by, page=PAGE)


def _verified(found: Identity) -> str:
    """The address that the provider has verified, as it is stored."""
    if found.email is None:
        raise NoEmailAtProvider
    try:
        email = normalised_email(found.email)
    except ValueError:
        raise NoEmailAtProvider from None
    if not found.is_verified:
        raise EmailUnverifiedAtProvider
    return email


async def _add(tx: Tx, user_id: UUID, found: Identity, provider: str) -> bool:
    """Connect an identity; False if the user is connected to another one of this issuer."""
    result = await tx.execute(
        insert(identity)
        .values(
            id=new_id(),
            user_id=user_id,
            provider=provider,
            issuer=found.issuer,
            subject=found.subject,
            email=found.email,
            connected_at=now(),
        )
        .on_conflict_do_nothing(constraint="identity_user_issuer")
        .returning(identity.c.id)
    )
    return result.first() is not None
