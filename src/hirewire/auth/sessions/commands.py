"""Commands that refresh and end sessions."""

from typing import Literal
from uuid import UUID

from sqlalchemy import delete, exists, select, update

from hirewire.auth import limits
from hirewire.auth.granting import Granted, issue_refresh_token
from hirewire.auth.logins import digest
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.rules import What
from hirewire.auth.sessions import rules
from hirewire.auth.tables import failed_login, known_place, refresh_token, session, user
from hirewire.auth.where import Where
from hirewire.contracts.auth import SessionEnded
from hirewire.kit.clock import now
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

PRUNED_AT_ONCE = 1000


Refusal = Literal["unknown", "ended", "double", "reused", "blocked"]


async def refresh(tx: Tx, token: str, where: Where) -> Granted | Refusal:
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
        await revoke(tx, row.session_id, "refresh token used twice", "refresh_reused", where)
        return "reused"
    await tx.execute(
        update(refresh_token).where(refresh_token.c.hash == row.hash).values(used_at=moment)
    )
    await tx.execute(update(session).where(session.c.id == row.session_id).values(used_at=moment))
    next_token = await issue_refresh_token(tx, row.session_id, moment, row.ends_at)
    return Granted(row.session_id, row.user_id, next_token)


async def end(tx: Tx, token: str, where: Where) -> None:
    """Log out: end the token's session. An unknown token changes nothing."""
    result = await tx.execute(
        select(refresh_token.c.session_id).where(refresh_token.c.hash == digest(token))
    )
    id = result.scalar()
    if id is not None:
        await revoke(tx, id, "logout", "signed_out", where)


async def revoke(tx: Tx, session_id: UUID, why: str, what: What, where: Where) -> None:
    """End a session and all its tokens, store why, and note `what` in the security log.

    An ended session keeps its first reason. Records `SessionEnded`.
    """
    moment = now()
    result = await tx.execute(
        update(session)
        .where(session.c.id == session_id, session.c.revoked_at.is_(None))
        .values(revoked_at=moment, revoked_why=why)
        .returning(session.c.user_id)
    )
    user_id = result.scalar()
    if user_id is not None:
        record(tx, SessionEnded(user_id=user_id, session_id=session_id, at=moment))
        await note(tx, user_id, what, where)


async def prune(tx: Tx) -> bool:
    """Delete a batch of expired rows: failed logins, known networks, tokens and sessions.

    Returns True when there may be more. A used token stays until it expires, so that a second use
    is recognised. Records `SessionEnded` for sessions that nobody has ended before.
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
        delete(session)
        .where(session.c.id.in_(old_sessions.limit(PRUNED_AT_ONCE)))
        .returning(session.c.id, session.c.user_id, session.c.revoked_at)
    )
    ended = sessions.all()
    for row in ended:
        if row.revoked_at is None:
            record(tx, SessionEnded(user_id=row.user_id, session_id=row.id, at=moment))
    await tx.execute(old_failures)
    await tx.execute(delete(known_place).where(known_place.c.at <= moment - limits.PLACE_LIFE))
    return max(tokens.rowcount, len(ended)) >= PRUNED_AT_ONCE
