"""Queries for logging in, and the list of a user's sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select

from hirewire.auth.granting import REFRESH_LIFE
from hirewire.auth.login_tickets import takes_code
from hirewire.auth.tables import session, user
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


async def login_of(tx: Tx, email_key: str) -> Row[UUID, str] | None:
    """The id and password hash of the account with this e-mail key; None if there is none."""
    result = await tx.execute(
        select(user.c.id, user.c.password_hash).where(user.c.email_key == email_key)
    )
    return result.first()


async def needs_code(tx: Tx, user_id: UUID, password_hash: str) -> bool | None:
    """Whether a login of the user also takes a code; None if this is not the password hash any
    more. It cannot change until the commit, and no other login of the user goes on: two with a
    shared lock would wait for each other when both store their language.
    """
    result = await tx.execute(
        select(takes_code(user_id))
        .select_from(user)
        .where(user.c.id == user_id, user.c.password_hash == password_hash)
        .with_for_update(key_share=True, of=user)
    )
    return result.scalar()


MOST_LISTED = 100


async def open_sessions(
    tx: Tx, user_id: UUID
) -> Sequence[Row[UUID, datetime, datetime, str | None, str | None]]:
    """A user's sessions that have not ended, the last used first."""
    its, moment = session.c, now()
    used_at = func.coalesce(its.used_at, its.started_at)
    result = await tx.execute(
        select(its.id, its.started_at, used_at.label("used_at"), its.device, its.network)
        .where(
            its.user_id == user_id,
            its.revoked_at.is_(None),
            its.ends_at > moment,
            used_at > moment - REFRESH_LIFE,
        )
        .order_by(used_at.desc(), its.id)
        .limit(MOST_LISTED)
    )
    return result.all()


async def is_theirs(tx: Tx, id: UUID, user_id: UUID) -> bool:
    """Whether this is a session of the user, even one that has ended."""
    result = await tx.execute(
        select(session.c.id).where(session.c.id == id, session.c.user_id == user_id)
    )
    return result.first() is not None
