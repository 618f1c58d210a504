"""Failed logins and known networks, and the end of a user's sessions: shared by the features."""

import hashlib
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Boolean, delete, exists, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.auth import limits
from hirewire.auth.limits import Failures
from hirewire.auth.tables import failed_login, known_place, login_ticket, session, user
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.transaction import Tx


class TooManyFailures(AppError):
    """Too many failed login attempts; try again later."""

    slug = "too-many-failures"
    code = "too_many_failures"
    kind = Kind.TOO_MANY


def digest(text: str) -> bytes:
    """The SHA-256 digest that is stored. A refresh token's 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).digest()


async def admit(tx: Tx, network: str, account: str, user_id: UUID | None) -> timedelta:
    """Check the login limits and count an attempt; returns zero, or how long to wait.

    An attempt counts as failed until `forgive`, so that concurrent logins are limited too: an
    advisory lock serialises the logins of one account before any password is hashed. `user_id` is
    the owner of the account, if there is one.
    """
    moment = now()
    failures = await _failures(tx, network, account)
    pause = limits.wait(failures, await _is_known(tx, user_id, network), moment)
    if not pause:
        await tx.execute(
            insert(failed_login).values(network=network, account=digest(account), at=moment)
        )
    return pause


Failed = Literal["first", "again", "locked"]


async def failed(tx: Tx, network: str, account: str, user_id: UUID | None) -> Failed:
    """What a failed attempt, which `admit` has counted, was: the first here, or the last allowed.

    Only the first few networks of an account count as new, so that an attack from thousands of them
    fills no log.
    """
    failures = await _failures(tx, network, account)
    if limits.wait(failures, await _is_known(tx, user_id, network), now()):
        return "locked"
    is_first = failures.of_pair == 1 and failures.of_account <= limits.FAILURES_OF_PAIR
    return "first" if is_first else "again"


async def _failures(tx: Tx, network: str, account: str) -> Failures:
    """The numbers of failures; the logins of this account wait until the transaction ends."""
    key = digest(account)
    await lock(tx, f"login {key.hex()}")
    at, there, its = failed_login.c.at, failed_login.c.network == network, failed_login.c.account
    counts = await tx.execute(
        select(
            func.count().filter(there, its == key),
            func.min(at).filter(there, its == key),
            func.count().filter(its == key),
            func.min(at).filter(its == key),
            func.count().filter(there),
        ).where(or_(there, its == key), at > now() - limits.FAILURES_WINDOW)
    )
    return Failures(*counts.one())


async def forgive(tx: Tx, network: str, account: str, user_id: UUID) -> bool:
    """Delete the account's failed logins from this network, and remember the network as known.

    Called after a successful login. True if the owner has logged in before, but not from here.
    """
    await tx.execute(
        delete(failed_login).where(
            failed_login.c.network == network, failed_login.c.account == digest(account)
        )
    )
    place = upsert(known_place).values(user_id=user_id, place=_place(user_id, network), at=now())
    stored = await tx.execute(
        place.on_conflict_do_update(
            index_elements=["user_id", "place"], set_={"at": place.excluded.at}
        ).returning(literal_column("xmax = 0", Boolean))
    )
    is_new = stored.scalar_one()
    return is_new and await _has_others(tx, user_id, _place(user_id, network))


async def _has_others(tx: Tx, user_id: UUID, place: bytes) -> bool:
    """Whether the user has logged in from other networks, or so long ago that none is stored."""
    its = known_place.c
    others = exists().where(its.user_id == user_id, its.place != place)
    is_old = user.c.registered_at <= now() - limits.PLACE_LIFE
    result = await tx.execute(select(or_(others, is_old)).where(user.c.id == user_id))
    return bool(result.scalar_one())


async def _is_known(tx: Tx, user_id: UUID | None, network: str) -> bool:
    if user_id is None:
        return False
    result = await tx.execute(
        select(known_place.c.place).where(
            known_place.c.user_id == user_id,
            known_place.c.place == _place(user_id, network),
            known_place.c.at > now() - limits.PLACE_LIFE,
        )
    )
    return result.first() is not None


def _place(user_id: UUID, network: str) -> bytes:
    """The digest stored for a user and a network: enough to recognise the network again."""
    return digest(f"{user_id} {network}")


async def end_sessions(tx: Tx, user_id: UUID, why: str, *, but: UUID | None = None) -> None:
    """End all sessions of a user, except `but`, and store why; also logins that lack a code."""
    # First: a login that is completed meanwhile has its session before the sessions are ended.
    await tx.execute(delete(login_ticket).where(login_ticket.c.user_id == user_id))
    its = session.c
    await tx.execute(
        update(session)
        .where(its.user_id == user_id, its.revoked_at.is_(None), its.id.is_distinct_from(but))
        .values(revoked_at=now(), revoked_why=why)
    )
