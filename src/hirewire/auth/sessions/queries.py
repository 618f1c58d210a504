"""Queries for logging in, and the list of a user's sessions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Row, bindparam, func, select

from hirewire.auth.granting import REFRESH_LIFE
from hirewire.auth.logins import lock_name
from hirewire.auth.signing import KEY, SIGNS, SigningKey, newest_of
from hirewire.auth.tables import session, signing_key, user
from hirewire.kit.clock import now
from hirewire.messaging.locks import lock_number
from hirewire.messaging.transaction import Tx


@dataclass(frozen=True, slots=True)
class Stored:
    """An account that somebody wants to log in to."""

    id: UUID
    password_hash: str | None = field(repr=False)


_LOCK = select(func.pg_advisory_xact_lock(bindparam("lock", type_=BigInteger))).cte("lock")
_ACCOUNT = (
    select(user.c.id, user.c.password_hash, *KEY)
    .select_from(
        _LOCK.join(user, user.c.email_key == bindparam("email_key"), isouter=True).join(
            signing_key, SIGNS, isouter=True
        )
    )
    .order_by(signing_key.c.sign_from.desc())
)


async def lock_account(tx: Tx, email_key: str) -> tuple[SigningKey, Stored | None]:
    """The signing key and the account with this e-mail key; None if there is none.

    The other logins of the account wait until the transaction ends. It is one statement, as a login
    should take little longer than its hash. Raises `NoSigningKey`: without a key nobody can log in,
    so the attempt must not count.
    """
    values = {"lock": lock_number(lock_name(email_key)), "email_key": email_key, "moment": now()}
    rows = (await tx.execute(_ACCOUNT, values)).all()
    id, password_hash = rows[0][:2]
    key = newest_of(tuple(row[2:]) for row in rows)
    return key, None if id is None else Stored(id, password_hash)


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
