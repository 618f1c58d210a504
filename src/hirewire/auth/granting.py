"""Begins a session and issues its tokens: shared by all ways to sign in."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import Row, insert, select, update

from hirewire.auth import limits, networks
from hirewire.auth.logins import check_not_blocked, digest, forgive
from hirewire.auth.notices import Requester, notify, requester_of
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.queries import times_since
from hirewire.auth.signing import ACCESS_TOKEN_LIFE, access_token, current_key
from hirewire.auth.tables import refresh_token, session, user
from hirewire.auth.where import Where, where_of
from hirewire.kit.clock import now
from hirewire.kit.http import language_of
from hirewire.kit.mail.letters import Language
from hirewire.kit.models import Answer
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

REFRESH_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=90)


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
class Place(Where):
    """Where somebody logs in."""

    language: Language | None = None


class Tokens(Answer):
    """An access token and a refresh token."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int


def place_of(request: Request) -> Place:
    """Where a request comes from."""
    where = where_of(request)
    return Place(where.device, where.network, language_of(request))


async def sign_in(
    tx: Tx, request: Request, response: Response, owner: Owner, *, is_strong: bool = False
) -> Tokens:
    """Sign the owner of an account in: a new session.

    `is_strong`: with a passkey, or with a code after the password. The security log notes it, and a
    mail notifies the owner of a sign-in from a new network.

    Raises `AccountBlocked`.
    """
    network = networks.network(request.client.host if request.client else "")
    is_from_elsewhere = await forgive(tx, network, owner.account, owner.user_id)
    await _note(tx, owner.user_id, requester_of(request), is_from_elsewhere=is_from_elsewhere)
    granted = await begin(tx, owner.user_id, place_of(request), is_strong=is_strong)
    return await tokens(tx, request, response, granted)


async def _note(tx: Tx, user_id: UUID, requester: Requester, *, is_from_elsewhere: bool) -> None:
    if not is_from_elsewhere:
        await note(tx, user_id, "signed_in", requester.where)
        return
    since = now() - limits.SIGN_IN_MAILS_WINDOW
    if await times_since(tx, user_id, "signed_in_elsewhere", since) < limits.SIGN_IN_MAILS:
        await notify(tx, user_id, "new_sign_in", requester)
    await note(tx, user_id, "signed_in_elsewhere", requester.where)


async def begin(tx: Tx, user_id: UUID, place: Place, *, is_strong: bool = False) -> Granted:
    """Start a session for a user, whose language is remembered for mails.

    Raises `AccountBlocked`.
    """
    await check_not_blocked(tx, user_id)
    language = place.language
    moment, id = now(), new_id()
    ends_at = moment + SESSION_LIFE
    await tx.execute(
        insert(session).values(
            id=id,
            user_id=user_id,
            started_at=moment,
            ends_at=ends_at,
            device=place.device,
            network=place.network,
            is_strong=is_strong,
        )
    )
    if language is not None:
        its = user.c
        changed = its.id == user_id, its.language.is_distinct_from(language)
        await tx.execute(update(user).where(*changed).values(language=language))
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
    """The tokens of a session."""
    request.state.user = str(granted.user_id)  # for the log
    claims = await _claims_of(tx, granted)
    token = access_token(
        await current_key(tx),
        issuer=request.app.state.settings.public_url,
        user_id=granted.user_id,
        session_id=granted.session_id,
        role=claims.role,
        email_verified=claims.email_verified,
        is_strong=claims.is_strong,
    )
    response.headers["Cache-Control"] = "no-store"
    return Tokens(
        access_token=token,
        refresh_token=granted.refresh_token,
        expires_in=int(ACCESS_TOKEN_LIFE.total_seconds()),
    )


async def _claims_of(tx: Tx, granted: Granted) -> Row[str, bool, bool]:
    """The current `role` of an existing user, whether the address is verified, and whether the
    session `is_strong`.
    """
    is_verified = user.c.email_verified_at.is_not(None).label("email_verified")
    result = await tx.execute(
        select(user.c.role, is_verified, session.c.is_strong)
        .join(session, session.c.user_id == user.c.id)
        .where(session.c.id == granted.session_id)
    )
    return result.one()
