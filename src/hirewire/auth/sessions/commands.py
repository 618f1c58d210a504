"""Commands that begin, refresh and end sessions."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, update

from hirewire.auth import limits
from hirewire.auth.logins import check_not_blocked, digest
from hirewire.auth.sessions import rules
from hirewire.auth.tables import failed_login, known_place, refresh_token, session, user
from hirewire.kit.clock import now
from hirewire.kit.mail.letters import Language
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

PRUNED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Granted:
    """A session and the token that refreshes it."""

    session_id: UUID
    user_id: UUID
    refresh_token: str


Refusal = Literal["unknown", "ended", "double", "reused", "blocked"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody logs in."""

    device: str | None = None
    network: str | None = None
    """Coarse."""
    language: Language | None = None


async def begin(tx: Tx, user_id: UUID, place: Place) -> Granted:
    """Start a session for a user, whose language is remembered for mails.

    Raises `AccountBlocked`.
    """
    await check_not_blocked(tx, user_id)
    language = place.language
    moment, id = now(), new_id()
    ends_at = moment + rules.SESSION_LIFE
    await tx.execute(
        insert(session).values(
            id=id,
            user_id=user_id,
            started_at=moment,
            ends_at=ends_at,
            device=place.device,
            network=place.network,
        )
    )
    if language is not None:
        its = user.c
        changed = its.id == user_id, its.language.is_distinct_from(language)
        await tx.execute(update(user).where(*changed).values(language=language))
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
    its = session.c
    result = await tx.execute(
        select(refresh_token, its.user_id, its.ends_at, its.revoked_at, user.c.blocked_at)
        .join(session, its.id == refresh_token.c.session_id)
        .join(user, user.c.id == its.user_id)
        .where(refresh_token.c.hash == digest(token))
        .with_for_update(of=[refresh_token, session])
    )
    row = result.first()
    if row is None:
        return "unknown"
    if row.blocked_at is not None:
        return "blocked"
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
    await tx.execute(update(session).where(session.c.id == row.session_id).values(used_at=moment))
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


async def prune(tx: Tx) -> bool:
    """Delete a batch of expired rows: failed logins, known networks, tokens and sessions.

    Returns True when there may be more. A used token stays until it expires, so that a second use
    is recognised.
    """
    moment = now()
    old_tokens = select(refresh_token.c.hash).where(refresh_token.c.expires_at <= moment)
    has_tokens = exists().where(refresh_token.c.session_id == session.c.id)
    old_sessions = select(session.c.id).where(session.c.ends_at <= moment, ~has_tokens)
    old_failures = delete(failed_login).where(failed_login.c.at <= moment - limits.FAILURES_WINDOW)
    tokens = await tx.execute(
        delete(refresh_token).where(refresh_token.c.hash.in_(old_tokens.limit(PRUNED_AT_ONCE)))
    )
    sessions = await tx.execute(
        delete(session).where(session.c.id.in_(old_sessions.limit(PRUNED_AT_ONCE)))
    )
    await tx.execute(old_failures)
    await tx.execute(delete(known_place).where(known_place.c.at <= moment - limits.PLACE_LIFE))
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
