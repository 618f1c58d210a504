"""Commands that begin, refresh and end sessions, and that count failed logins."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.auth.sessions import rules
from hirewire.auth.sessions.rules import Failures
from hirewire.auth.tables import failed_login, known_place, refresh_token, session
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

PRUNED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Granted:
    """A session and the token that refreshes it."""

    session_id: UUID
    user_id: UUID
    refresh_token: str


Refusal = Literal["unknown", "ended", "double", "reused"]


def digest(text: str) -> bytes:
    """The SHA-256 digest that is stored. A refresh token's 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).digest()


async def begin(tx: Tx, user_id: UUID) -> Granted:
    """Start a session for a user."""
    moment, id = now(), new_id()
    ends_at = moment + rules.SESSION_LIFE
    await tx.execute(
        insert(session).values(id=id, user_id=user_id, started_at=moment, ends_at=ends_at)
    )
    return Granted(id, user_id, await _issue(tx, id, moment, ends_at))


async def refresh(tx: Tx, token: str) -> Granted | Refusal:
    """Rotate a refresh token. Returns a `Refusal` for a bad one, so that the transaction commits.

    A token can be used once. A second use means that it was copied. Nobody can tell the owner from
    the thief, so the session ends for both. But browsers may send one token twice, from two tabs or
    by a double click. A second use within `DOUBLE_SUBMIT` of the first is therefore only refused
    (``double``): a thief gains nothing, and the session continues with the tokens of the first
    response. A client that lost that response must log in again.
    """
    moment = now()
    result = await tx.execute(
        select(refresh_token, session.c.user_id, session.c.ends_at, session.c.revoked_at)
        .join(session, session.c.id == refresh_token.c.session_id)
        .where(refresh_token.c.hash == digest(token))
        .with_for_update()
    )
    row = result.first()
    if row is None:
        return "unknown"
    if row.revoked_at is not None or row.expires_at <= moment:
        return "ended"
    if row.used_at is not None:
        if moment - row.used_at <= rules.DOUBLE_SUBMIT:
            return "double"
        await revoke(tx, row.session_id, "refresh token used twice")
        return "reused"
    await tx.execute(
        update(refresh_token).where(refresh_token.c.hash == row.hash).values(used_at=moment)
    )
    next_token = await _issue(tx, row.session_id, moment, row.ends_at)
    return Granted(row.session_id, row.user_id, next_token)


async def end(tx: Tx, token: str) -> None:
    """Log out: end the token's session. An unknown token changes nothing."""
    result = await tx.execute(
        select(refresh_token.c.session_id).where(refresh_token.c.hash == digest(token))
    )
    id = result.scalar()
    if id is not None:
        await revoke(tx, id, "logout")


async def revoke(tx: Tx, session_id: UUID, why: str) -> None:
    """End a session and all its tokens, and store why. An ended session keeps its first reason."""
    await tx.execute(
        update(session)
        .where(session.c.id == session_id, session.c.revoked_at.is_(None))
        .values(revoked_at=now(), revoked_why=why)
    )


async def admit(tx: Tx, network: str, account: str, user_id: UUID | None) -> timedelta:
    """Check the login limits and count an attempt; returns zero, or how long to wait.

    An attempt counts as failed until `forgive`, so that concurrent logins are limited too: an
    advisory lock serialises the logins of one account before any password is hashed. `user_id` is
    the owner of the account, if there is one.
    """
    moment, key = now(), digest(account)
    await lock(tx, f"login {key.hex()}")
    at, there, its = failed_login.c.at, failed_login.c.network == network, failed_login.c.account
    counts = await tx.execute(
        select(
            func.count().filter(there, its == key),
            func.min(at).filter(there, its == key),
            func.count().filter(its == key),
            func.min(at).filter(its == key),
            func.count().filter(there),
        ).where(or_(there, its == key), at > moment - rules.FAILURES_WINDOW)
    )
    pause = rules.wait(Failures(*counts.one()), await _is_known(tx, user_id, network), moment)
    if not pause:
        await tx.execute(insert(failed_login).values(network=network, account=key, at=moment))
    return pause


async def forgive(tx: Tx, network: str, account: str, user_id: UUID) -> None:
    """Delete the account's failed logins from this network, and remember the network as known.

    Called after a successful login.
    """
    await tx.execute(
        delete(failed_login).where(
            failed_login.c.network == network, failed_login.c.account == digest(account)
        )
    )
    place = upsert(known_place).values(user_id=user_id, place=_place(user_id, network), at=now())
    await tx.execute(
        place.on_conflict_do_update(
            index_elements=["user_id", "place"], set_={"at": place.excluded.at}
        )
    )


async def _is_known(tx: Tx, user_id: UUID | None, network: str) -> bool:
    if user_id is None:
        return False
    result = await tx.execute(
        select(known_place.c.place).where(
            known_place.c.user_id == user_id,
            known_place.c.place == _place(user_id, network),
            known_place.c.at > now() - rules.PLACE_LIFE,
        )
    )
    return result.first() is not None


def _place(user_id: UUID, network: str) -> bytes:
    """The digest stored for a user and a network: enough to recognise the network again."""
    return digest(f"{user_id} {network}")


async def prune(tx: Tx) -> bool:
    """Delete a batch of expired rows: failed logins, known networks, tokens and sessions.

    Returns True when there may be more. A used token stays until it expires, so that a second use
    is recognised.
    """
    moment = now()
    old_tokens = select(refresh_token.c.hash).where(refresh_token.c.expires_at <= moment)
    has_tokens = exists().where(refresh_token.c.session_id == session.c.id)
    old_sessions = select(session.c.id).where(session.c.ends_at <= moment, ~has_tokens)
    old_failures = delete(failed_login).where(failed_login.c.at <= moment - rules.FAILURES_WINDOW)
    tokens = await tx.execute(
        delete(refresh_token).where(refresh_token.c.hash.in_(old_tokens.limit(PRUNED_AT_ONCE)))
    )
    sessions = await tx.execute(
        delete(session).where(session.c.id.in_(old_sessions.limit(PRUNED_AT_ONCE)))
    )
    await tx.execute(old_failures)
    await tx.execute(delete(known_place).where(known_place.c.at <= moment - rules.PLACE_LIFE))
    return max(tokens.rowcount, sessions.rowcount) >= PRUNED_AT_ONCE


async def _issue(tx: Tx, session_id: UUID, moment: datetime, ends_at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    await tx.execute(
        insert(refresh_token).values(
            hash=digest(token),
            session_id=session_id,
            issued_at=moment,
            expires_at=min(moment + rules.REFRESH_LIFE, ends_at),
        )
    )
    return token
