"""Begins a session and issues its tokens: shared by all ways to sign in."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import (
    CTE,
    BindParameter,
    Boolean,
    ColumnElement,
    Label,
    Row,
    Select,
    Uuid,
    and_,
    bindparam,
    exists,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)

from hirewire.auth import limits
from hirewire.auth.announcing import announce_locale
from hirewire.auth.login_tickets import takes_code
from hirewire.auth.logins import digest, forgiven, forgiving, has_others, is_place, remembered
from hirewire.auth.notices import Requester, notify, requester_of
from hirewire.auth.security_log.commands import note, noted
from hirewire.auth.security_log.queries import times_since
from hirewire.auth.security_log.rules import What
from hirewire.auth.signing import ACCESS_TOKEN_LIFE, SigningKey, access_token, current_key
from hirewire.auth.tables import consent, refresh_token, session, user
from hirewire.auth.where import network_of
from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import unguarded
from hirewire.kit.models import Answer
from hirewire.kit.refusals import AccountBlocked
from hirewire.messaging import erasure
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
class Proof:
    """What somebody has proved."""

    owner: Owner
    password_hash: str | None = field(repr=False)
    """The hash that the password fits; None after another proof."""
    is_strong: bool = False
    """With a passkey, or with a code after the password."""


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


Refused = Literal["changed", "takes a code"]
"""`changed`: the password is another one by now, or the account is erased."""


async def sign_in(
    tx: Tx, request: Request, response: Response, owner: Owner, *, is_strong: bool = False
) -> Tokens:
    """Sign the owner of an account in: a new session.

    `is_strong`: with a passkey, or with a code after the password. The security log notes it, and a
    mail notifies the owner of a sign-in from a new network.

    To be called once the user is known for certain, so that nobody else learns of a block. Raises
    `AccountBlocked`, and `Unauthenticated` if the owner was erased meanwhile.
    """
    requester, key = requester_of(request), await current_key(tx)
    proof = Proof(owner, None, is_strong=is_strong)
    done = await sign_in_by_proof(tx, request, response, proof, requester, key)
    if done == "changed":
        raise Unauthenticated("This account does not exist any more.")
    assert isinstance(done, Tokens), done
    return done


async def sign_in_by_proof(
    tx: Tx,
    request: Request,
    response: Response,
    proof: Proof,
    requester: Requester,
    key: SigningKey,
) -> Tokens | Refused:
    """Like `sign_in`, unless the password has changed meanwhile, or a code is needed too."""
    if await erasure.is_erased(tx, str(proof.owner.user_id)):
        return "changed"
    network, user_id = network_of(request), proof.owner.user_id
    granted, values = _new_session(proof, network, requester)
    its = (await tx.execute(_BEGUN, values)).first()
    if its is None:
        return "changed"
    if its.takes_code and not proof.is_strong:
        return "takes a code"
    if its.blocked_at is not None:
        raise AccountBlocked
    if its.is_new:
        await _note_new_place(tx, user_id, network, requester)
    if requester.language not in (None, its.language) and not its.is_language_chosen:
        changed = update(user).where(user.c.id == user_id)
        await tx.execute(changed.values(language=requester.language))
        announce_locale(tx, user_id, requester.language, its.time_zone, now())
    return await _tokens(request, response, granted, _claims_of(its, proof), key)


async def sign_in_as_usual(
    request: Request, response: Response, proof: Proof, requester: Requester, key: SigningKey
) -> Tokens | None:
    """Like `sign_in_by_proof`, as one statement without a transaction around it.

    None, and nothing is stored, if there is more to do: a refusal, a new network or another
    language. An erasure deletes the user, whom the statement locks: it needs no lock of its own.
    """
    granted, values = _new_session(proof, network_of(request), requester)
    async with unguarded(request).single() as connection:
        its = (await connection.execute(_BEGUN, values | {"only_usual": True})).first()
    if its is None or its.is_new is None:
        return None
    return await _tokens(request, response, granted, _claims_of(its, proof), key)


def _claims_of(its: Row[Any], proof: Proof) -> Claims:
    return Claims(its.role, its.email_verified, proof.is_strong, its.consent)


def _new_session(
    proof: Proof, network: str, requester: Requester
) -> tuple[Granted, dict[str, object]]:
    """A session to store, and the parameters of `_BEGUN`."""
    owner, moment, id = proof.owner, now(), new_id()
    token, issued = _refresh_token(id, moment, moment + SESSION_LIFE)
    values = forgiving(network, owner.account, owner.user_id, moment) | issued
    values |= {
        "password_hash": proof.password_hash,
        "event_id": new_id(),
        "device": requester.where.device,
        "coarse_network": requester.where.network,
        "language": requester.language,
        "ends_at": moment + SESSION_LIFE,
        "is_strong": proof.is_strong,
        "only_usual": False,
    }
    return Granted(id, owner.user_id, token), values


async def _note_new_place(tx: Tx, user_id: UUID, network: str, requester: Requester) -> None:
    """Note a sign-in from a new network, and notify the owner unless it is the first of all."""
    if not await has_others(tx, user_id, network):
        await note(tx, user_id, "signed_in", requester.where)
        return
    since = now() - limits.SIGN_IN_MAILS_WINDOW
    if await times_since(tx, user_id, "signed_in_elsewhere", since) < limits.SIGN_IN_MAILS:
        await notify(tx, user_id, "new_sign_in", requester)
    await note(tx, user_id, "signed_in_elsewhere", requester.where)


def _its() -> CTE:
    """The owner, locked, unless there is none with this id and, if one is given, this password
    hash.

    They cannot change until the commit, and no other login of theirs goes on: two with a shared
    lock would wait for each other when both store their language.
    """
    hash = bindparam("password_hash", type_=user.c.password_hash.type)
    return (
        select(user.c.id, user.c.role, _IS_VERIFIED, _latest_consent(bindparam("user_id")))
        .add_columns(user.c.language, user.c.is_language_chosen, user.c.time_zone)
        .add_columns(user.c.blocked_at)
        .add_columns(takes_code(bindparam("user_id")).label("takes_code"))
        .where(user.c.id == bindparam("user_id"))
        .where(or_(hash.is_(None), user.c.password_hash == hash))
        .with_for_update(key_share=True, of=user)
        .cte("its")
    )


def _may_enter(its: CTE) -> ColumnElement[bool]:
    """Whether nothing forbids the sign-in and, with `only_usual`, there is no more to do."""
    language = bindparam("language", type_=user.c.language.type)
    is_same_language = or_(
        language.is_(None),
        its.c.is_language_chosen,
        its.c.language.is_not_distinct_from(language),
    )
    return and_(
        its.c.blocked_at.is_(None),
        or_(_IS_STRONG, not_(its.c.takes_code)),
        or_(not_(_ONLY_USUAL), and_(is_place(), is_same_language)),
    )


def _begun() -> Select[Any]:
    """The statement of a sign-in: locks the user and, if nothing forbids it, stores all there is.

    One statement, since each costs a round trip after the hash. It returns the user, or nothing.
    With `only_usual` it stores nothing if there is more to do.
    """
    its = _its()
    may_enter = _may_enter(its)
    owner = select(its.c.id).where(may_enter)
    forgotten = forgiven().where(exists().where(may_enter)).cte("forgotten")
    stored = remembered(owner).cte("stored")
    # With `only_usual` a new one is pruned just now, and was known a moment before.
    is_known = select(true()).select_from(stored).where(or_(not_(stored.c.is_new), _ONLY_USUAL))
    begun = {
        session.c.id: bindparam("session_id", type_=Uuid),
        session.c.started_at: bindparam("at", type_=session.c.started_at.type),
        session.c.ends_at: bindparam("ends_at", type_=session.c.ends_at.type),
        session.c.device: bindparam("device", type_=session.c.device.type),
        session.c.network: bindparam("coarse_network", type_=session.c.network.type),
        session.c.is_strong: _IS_STRONG,
    }
    what: What = "signed_in"
    return (
        select(its, stored.c.is_new)
        .select_from(its.join(stored, true(), isouter=True))
        .add_cte(
            forgotten,
            noted(what, is_known.subquery()),
            insert(session)
            .from_select([session.c.user_id, *begun], owner.add_columns(*begun.values()))
            .cte("begun"),
            insert(refresh_token)
            .from_select(list(_ISSUED), select(*_ISSUED.values()).where(may_enter))
            .cte("issued"),
        )
    )


_ONLY_USUAL = bindparam("only_usual", type_=Boolean)
_IS_STRONG = bindparam("is_strong", type_=session.c.is_strong.type)
_ISSUED = {
    its: bindparam(name, type_=its.type)
    for its, name in (
        (refresh_token.c.hash, "token_hash"),
        (refresh_token.c.session_id, "session_id"),
        (refresh_token.c.issued_at, "at"),
        (refresh_token.c.expires_at, "expires_at"),
    )
}
"""The columns of a new refresh token, and the parameters of `_refresh_token`."""
_BEGUN = _begun()


async def issue_refresh_token(tx: Tx, session_id: UUID, moment: datetime, ends_at: datetime) -> str:
    """A new refresh token of a session that ends at this time."""
    token, values = _refresh_token(session_id, moment, ends_at)
    await tx.execute(insert(refresh_token).values(_ISSUED), values)
    return token


def _refresh_token(
    session_id: UUID, moment: datetime, ends_at: datetime
) -> tuple[str, dict[str, object]]:
    """A new refresh token, and its parameters in a statement."""
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
