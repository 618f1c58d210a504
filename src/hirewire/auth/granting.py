"""Begins a session and issues its tokens: shared by all ways to sign in."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import Label, Row, insert, select, update

from hirewire.auth import limits
from hirewire.auth.logins import digest, forgive
from hirewire.auth.notices import Requester, notify, requester_of
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.queries import times_since
from hirewire.auth.signing import ACCESS_TOKEN_LIFE, access_token, current_key
from hirewire.auth.tables import consent, refresh_token, session, user
from hirewire.auth.where import Where, network_of
from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import language_of
from hirewire.kit.models import Answer
from hirewire.kit.refusals import AccountBlocked
from hirewire.messaging import erasure
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

REFRESH_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=90)
_IS_VERIFIED = user.c.email_verified_at.is_not(None).label("email_verified")


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who has proved to be the owner of an account."""

    user_id: UUID
    account: str
    """The key of the address, by which failed logins are counted."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A session and the token that refreshes it."""

    session_id: UUID
    user_id: UUID
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says of its user."""

    role: str
    email_verified: bool
    is_strong: bool
    consent: str | None
    """The version of the privacy notice that was agreed to last."""


class Tokens(Answer):
    """An access token and a refresh token."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int


async def sign_in(
    tx: Tx, request: Request, response: Response, owner: Owner, *, is_strong: bool = False
) -> Tokens:
    """Sign the owner of an account in: a new session.

    `is_strong`: with a passkey, or with a code after the password. The security log notes it, and a
    mail notifies the owner of a sign-in from a new network.

    Raises `AccountBlocked`, and `Unauthenticated` if the owner was erased meanwhile.
    """
    if await erasure.is_erased(tx, str(owner.user_id)):
        raise Unauthenticated("This account does not exist any more.")
    its = await _not_blocked(tx, owner.user_id)
    network = network_of(request)
    is_from_elsewhere = await forgive(tx, network, owner.account, owner.user_id)
    requester = requester_of(request)
    await _note(tx, owner.user_id, requester, is_from_elsewhere=is_from_elsewhere)
    language = language_of(request)
    if language is not None and language != its.language:  # remembered for mails
        changed = update(user).where(user.c.id == owner.user_id)
        await tx.execute(changed.values(language=language))
    granted = await _begin(tx, owner.user_id, requester.where, is_strong=is_strong)
    claims = Claims(its.role, its.email_verified, is_strong, its.consent)
    return await _tokens(tx, request, response, granted, claims)


async def _not_blocked(tx: Tx, user_id: UUID) -> Row[str, bool, str | None, str | None]:
    """The `role`, `email_verified`, `consent` and `language` of a user, who cannot be blocked until
    the commit. Raises `AccountBlocked`.

    To be called once the user is known for certain, so that nobody else learns of the block.
    """
    its = user.c
    result = await tx.execute(
        select(its.role, _IS_VERIFIED, _latest_consent(user_id), its.language, its.blocked_at)
        .where(its.id == user_id)
        .with_for_update(key_share=True, of=user)
    )
    row = result.one()
    if row.blocked_at is not None:
        raise AccountBlocked
    return row


async def _note(tx: Tx, user_id: UUID, requester: Requester, *, is_from_elsewhere: bool) -> None:
    if not is_from_elsewhere:
        await note(tx, user_id, "signed_in", requester.where)
        return
    since = now() - limits.SIGN_IN_MAILS_WINDOW
    if await times_since(tx, user_id, "signed_in_elsewhere", since) < limits.SIGN_IN_MAILS:
        await notify(tx, user_id, "new_sign_in", requester)
    await note(tx, user_id, "signed_in_elsewhere", requester.where)


async def _begin(tx: Tx, user_id: UUID, where: Where, *, is_strong: bool) -> Granted:
    """Start a session."""
    moment, id = now(), new_id()
    ends_at = moment + SESSION_LIFE
    await tx.execute(
        insert(session).values(
            id=id,
            user_id=user_id,
            started_at=moment,
            ends_at=ends_at,
            device=where.device,
            network=where.network,
            is_strong=is_strong,
        )
    )
    return Granted(id, user_id, await issue_refresh_token(tx, id, moment, ends_at))


async def issue_refresh_token(tx: Tx, session_id: UUID, moment: datetime, ends_at: datetime) -> str:
    """A new refresh token of a session that ends at this time."""
    token = secrets.token_urlsafe(32)
    await tx.execute(
        insert(refresh_token).values(
            hash=digest(token),
            session_id=session_id,
            issued_at=moment,
            expires_at=min(moment + REFRESH_LIFE, ends_at),
        )
    )
    return token


async def tokens(tx: Tx, request: Request, response: Response, granted: Granted) -> Tokens:
    """The tokens of a session that goes on, with what is so of its user now."""
    result = await tx.execute(
        select(user.c.role, _IS_VERIFIED, session.c.is_strong, _latest_consent(granted.user_id))
        .join(session, session.c.user_id == user.c.id)
        .where(session.c.id == granted.session_id)
    )
    return await _tokens(tx, request, response, granted, Claims(*result.one()))


async def _tokens(
    tx: Tx, request: Request, response: Response, granted: Granted, claims: Claims
) -> Tokens:
    request.state.user = str(granted.user_id)  # for the log
    token = access_token(
        await current_key(tx),
        issuer=request.app.state.settings.public_url,
        user_id=granted.user_id,
        session_id=granted.session_id,
        role=claims.role,
        email_verified=claims.email_verified,
        is_strong=claims.is_strong,
        consent=claims.consent,
    )
    response.headers["Cache-Control"] = "no-store"
    return Tokens(
        access_token=token,
        refresh_token=granted.refresh_token,
        expires_in=int(ACCESS_TOKEN_LIFE.total_seconds()),
    )


def _latest_consent(user_id: UUID) -> Label[str | None]:
    """The version of the privacy notice that the user agreed to last."""
    agreed = select(consent.c.version).where(consent.c.user_id == user_id)
    return agreed.order_by(consent.c.given_at.desc()).limit(1).scalar_subquery().label("consent")
