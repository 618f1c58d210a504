"""Begins a session and issues its tokens: shared by all ways to sign in."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import (
    BindParameter,
    Insert,
    Label,
    Select,
    bindparam,
    case,
    insert,
    select,
    update,
)

from hirewire.auth import limits
from hirewire.auth.login_tickets import takes_code
from hirewire.auth.logins import digest, forgiven, forgiving, remembered
from hirewire.auth.notices import Requester, notify, requester_of
from hirewire.auth.security_log.commands import noted
from hirewire.auth.security_log.queries import times_since
from hirewire.auth.security_log.rules import What
from hirewire.auth.signing import ACCESS_TOKEN_LIFE, SigningKey, access_token, current_key
from hirewire.auth.tables import consent, refresh_token, session, user
from hirewire.auth.where import Where, network_of
from hirewire.kit.clock import now
from hirewire.kit.http import language_of
from hirewire.kit.models import Answer
from hirewire.kit.refusals import AccountBlocked
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

REFRESH_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=90)
_IS_VERIFIED = user.c.email_verified_at.is_not(None).label("email_verified")


def _latest_consent(user_id: UUID | BindParameter[UUID]) -> Label[str | None]:
    """The version of the privacy notice that the user agreed to last."""
    agreed = select(consent.c.version).where(consent.c.user_id == user_id)
    return agreed.order_by(consent.c.given_at.desc()).limit(1).scalar_subquery().label("consent")


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


@dataclass(frozen=True, slots=True)
class Locked:
    """A user who cannot change until the commit, as an access token and a sign-in need them."""

    role: str
    email_verified: bool
    consent: str | None
    language: str | None
    blocked_at: datetime | None
    password_hash: str | None = field(repr=False)
    takes_code: bool


_LOCKED = (
    select(
        *(user.c.role, _IS_VERIFIED, _latest_consent(bindparam("user_id"))),
        *(user.c.language, user.c.blocked_at, user.c.password_hash),
        takes_code(bindparam("user_id")),
    )
    .where(user.c.id == bindparam("user_id"))
    .with_for_update(key_share=True, of=user)
)


async def locked(tx: Tx, user_id: UUID) -> Locked | None:
    """A user, who cannot change until the commit; None if there is none.

    No other login of the user goes on meanwhile: two with a shared lock would wait for each other
    when both store their language.
    """
    row = (await tx.execute(_LOCKED, {"user_id": user_id})).first()
    return None if row is None else Locked(*row)


async def sign_in(
    tx: Tx,
    request: Request,
    response: Response,
    owner: Owner,
    *,
    is_strong: bool = False,
    its: Locked | None = None,
    key: SigningKey | None = None,
) -> Tokens:
    """Sign the owner of an account in: a new session.

    `is_strong`: with a passkey, or with a code after the password. The security log notes it, and a
    mail notifies the owner of a sign-in from a new network. `its` and `key`: of a caller who has
    locked the user and read the key already.

    To be called once the user is known for certain, so that nobody else learns of a block. Raises
    `AccountBlocked`.
    """
    if its is None:
        its = await locked(tx, owner.user_id)
        assert its is not None
    if its.blocked_at is not None:
        raise AccountBlocked
    network, requester = network_of(request), requester_of(request)
    granted, is_from_elsewhere = await _begin(
        tx, owner, network, requester.where, is_strong=is_strong
    )
    if is_from_elsewhere:
        await _notify(tx, owner.user_id, requester)
    language = language_of(request)
    if language is not None and language != its.language:  # remembered for mails
        changed = update(user).where(user.c.id == owner.user_id)
        await tx.execute(changed.values(language=language))
    claims = Claims(its.role, its.email_verified, is_strong, its.consent)
    key = key or await current_key(tx)
    return await _tokens(request, response, granted, claims, key)


async def _notify(tx: Tx, user_id: UUID, requester: Requester) -> None:
    """Notify the owner of a sign-in from a new network, which the log has noted."""
    since = now() - limits.SIGN_IN_MAILS_WINDOW
    if await times_since(tx, user_id, "signed_in_elsewhere", since) <= limits.SIGN_IN_MAILS:
        await notify(tx, user_id, "new_sign_in", requester)


def _begun() -> Select[bool]:
    """Everything that a sign-in stores, as one statement: each costs a round trip after the hash.

    It returns whether the owner has logged in before, but not from here.
    """
    stored = remembered()
    elsewhere: What = "signed_in_elsewhere"
    here: What = "signed_in"
    what = case((stored.c.is_from_elsewhere, elsewhere), else_=here)
    begun = insert(session).values(
        id=bindparam("session_id"),
        user_id=bindparam("user_id"),
        started_at=bindparam("at"),
        ends_at=bindparam("ends_at"),
        device=bindparam("device"),
        network=bindparam("coarse_network"),
        is_strong=bindparam("is_strong"),
    )
    return select(stored.c.is_from_elsewhere).add_cte(
        forgiven(), noted(what, stored), begun.cte("begun"), _issued().cte("issued")
    )


def _issued() -> Insert:
    return insert(refresh_token).values(
        hash=bindparam("token_hash"),
        session_id=bindparam("session_id"),
        issued_at=bindparam("at"),
        expires_at=bindparam("expires_at"),
    )


_BEGUN, _ISSUED = _begun(), _issued()


async def _begin(
    tx: Tx, owner: Owner, network: str, where: Where, *, is_strong: bool
) -> tuple[Granted, bool]:
    """Start a session, and note the sign-in; also whether it is from a new network."""
    moment, id = now(), new_id()
    ends_at = moment + SESSION_LIFE
    token, issued = _refresh_token(id, moment, ends_at)
    values = forgiving(network, owner.account, owner.user_id, moment) | issued
    values |= {
        "event_id": new_id(),
        "device": where.device,
        "coarse_network": where.network,
        "ends_at": ends_at,
        "is_strong": is_strong,
    }
    is_from_elsewhere = (await tx.execute(_BEGUN, values)).scalar_one()
    return Granted(id, owner.user_id, token), bool(is_from_elsewhere)


async def issue_refresh_token(tx: Tx, session_id: UUID, moment: datetime, ends_at: datetime) -> str:
    """A new refresh token of a session that ends at this time."""
    token, values = _refresh_token(session_id, moment, ends_at)
    await tx.execute(_ISSUED, values)
    return token


def _refresh_token(
    session_id: UUID, moment: datetime, ends_at: datetime
) -> tuple[str, dict[str, object]]:
    """A new refresh token, and the parameters of `_issued`."""
    token = secrets.token_urlsafe(32)
    return token, {
        "token_hash": digest(token),
        "session_id": session_id,
        "at": moment,
        "expires_at": min(moment + REFRESH_LIFE, ends_at),
    }


async def tokens(tx: Tx, request: Request, response: Response, granted: Granted) -> Tokens:
    """The tokens of a session that goes on, with what is so of its user now."""
    result = await tx.execute(
        select(user.c.role, _IS_VERIFIED, session.c.is_strong, _latest_consent(granted.user_id))
        .join(session, session.c.user_id == user.c.id)
        .where(session.c.id == granted.session_id)
    )
    claims = Claims(*result.one())
    return await _tokens(request, response, granted, claims, await current_key(tx))


async def _tokens(
    request: Request, response: Response, granted: Granted, claims: Claims, key: SigningKey
) -> Tokens:
    request.state.user = str(granted.user_id)  # for the log
    token = access_token(
        key,
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
