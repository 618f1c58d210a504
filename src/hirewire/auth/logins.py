"""Failed logins and known networks, and the end of a user's sessions: shared by the features."""

import hashlib
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Delete,
    Exists,
    Select,
    Uuid,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.dml import ReturningInsert

from hirewire.auth import limits
from hirewire.auth.limits import Failures
from hirewire.auth.tables import failed_login, known_place, login_ticket, session, user
from hirewire.contracts.auth import SessionEnded
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx


class TooManyFailures(AppError):
    """Too many failed login attempts; try again later."""

    slug = "too-many-failures"
    code = "too_many_failures"
    kind = Kind.TOO_MANY


def digest(text: str) -> bytes:
    """The SHA-256 digest that is stored. A refresh token's 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).digest()


async def lock_logins(tx: Tx, account: str) -> None:
    """Let the other logins of this account wait until the transaction ends."""
    await lock(tx, lock_name(account))


def lock_name(account: str) -> str:
    """The name of the lock that serialises the logins of one account."""
    return f"login {digest(account).hex()}"


async def admit(tx: Tx, network: str, account: str, user_id: UUID | None) -> timedelta:
    """Check the login limits and count an attempt; returns zero, or how long to wait.

    An attempt counts as failed until `forgive`, so that concurrent logins are limited too: an
    advisory lock serialises the logins of one account before any password is hashed. `user_id` is
    the owner of the account, if there is one.
    """
    await lock_logins(tx, account)
    return await admit_locked(tx, network, account, user_id)


async def admit_locked(tx: Tx, network: str, account: str, user_id: UUID | None) -> timedelta:
    """Like `admit`, after `lock_logins`: one statement, unless a limit is near."""
    moment = now()
    values = _values(network, account, user_id, moment)
    is_counted, is_known, *counts = (await tx.execute(_COUNTED, values)).one()
    pause = limits.wait(Failures(*counts), is_known, moment)
    if not pause and not is_counted:
        await tx.execute(_COUNT, values)
    return pause


Failed = Literal["first", "again", "locked"]


async def failed(tx: Tx, network: str, account: str, user_id: UUID | None) -> Failed:
    """What a failed attempt, which `admit` has counted, was: the first here, or the last allowed.

    Only the first few networks of an account count as new, so that an attack from thousands of them
    fills no log.
    """
    await lock_logins(tx, account)
    moment = now()
    values = _values(network, account, user_id, moment)
    is_known, *counts = (await tx.execute(_COUNTS, values)).one()
    failures = Failures(*counts)
    if limits.wait(failures, is_known, moment):
        return "locked"
    is_first = failures.of_pair == 1 and failures.of_account <= limits.FAILURES_OF_PAIR
    return "first" if is_first else "again"


def _values(
    network: str, account: str, user_id: UUID | None, moment: datetime
) -> dict[str, object]:
    return {
        "network": network,
        "account": digest(account),
        "at": moment,
        "since": moment - limits.FAILURES_WINDOW,
        "user_id": user_id,
        "place": user_id and _place(user_id, network),
        "known_since": moment - limits.PLACE_LIFE,
    }


_its = failed_login.c
_is_there, _is_its = _its.network == bindparam("network"), _its.account == bindparam("account")
_failures = (
    select(
        func.count().filter(_is_there, _is_its).label("of_pair"),
        func.min(_its.at).filter(_is_there, _is_its).label("oldest_of_pair"),
        func.count().filter(_is_its).label("of_account"),
        func.min(_its.at).filter(_is_its).label("oldest_of_account"),
        func.count().filter(_is_there).label("of_network"),
    )
    .where(or_(_is_there, _is_its), _its.at > bindparam("since"))
    .cte("failures")
)
_is_known = exists().where(
    known_place.c.user_id == bindparam("user_id"),
    known_place.c.place == bindparam("place"),
    known_place.c.at > bindparam("known_since"),
)
_COUNTS = select(_is_known, _failures)
"""Whether the account knows the network, and the failures of both."""
_attempt = select(*(bindparam(name, type_=its.type) for name, its in _its.items()))
_COUNT = insert(failed_login).values({its: bindparam(its.key) for its in _its})
_counted = (
    insert(failed_login)
    .from_select(
        _its.keys(),
        _attempt.where(
            _failures.c.of_pair < limits.TRIES_FROM_BAD_NETWORK,
            _failures.c.of_account < limits.FAILURES_OF_ACCOUNT,
        ),
    )
    .returning(_its.at)
    .cte("counted")
)
_COUNTED = select(exists().select_from(_counted), _is_known, _failures)
"""The same of before this attempt. Below the lowest limits it is counted too: the first column."""


def forgiven() -> Delete:
    """The statement that deletes an account's failed logins from a network.

    Its parameters are among those of `forgiving`, as those of `remembered`.
    """
    return delete(failed_login).where(_is_there, _is_its)


def remembered(owner: Select[UUID] | None = None) -> ReturningInsert[bool]:
    """The statement that remembers a network as known; `is_new` says that it was not.

    `owner` is a query for the user's id, which may find nobody.
    """
    values = [bindparam(name, type_=known_place.c[name].type) for name in ("place", "at")]
    owner = select(bindparam("user_id", type_=Uuid)) if owner is None else owner
    place = upsert(known_place).from_select(
        ["user_id", "place", "at"], owner.add_columns(*values), include_defaults=False
    )
    return place.on_conflict_do_update(
        index_elements=["user_id", "place"], set_={"at": place.excluded.at}
    ).returning(literal_column("xmax = 0", Boolean).label("is_new"))


def is_place() -> Exists:
    """Whether the network is known; its parameters are among those of `forgiving`."""
    its = known_place.c
    return exists().where(its.user_id == bindparam("user_id"), its.place == bindparam("place"))


_FORGIVEN, _REMEMBERED = forgiven(), remembered()


async def forgive(tx: Tx, network: str, account: str, user_id: UUID) -> None:
    """Delete the account's failed logins from this network, and remember the network as known.

    Called after the right password, in what is no login.
    """
    values = forgiving(network, account, user_id, now())
    await tx.execute(_FORGIVEN, values)
    await tx.execute(_REMEMBERED, values)


def forgiving(network: str, account: str, user_id: UUID, moment: datetime) -> dict[str, object]:
    """The parameters of `forgiven` and `remembered`."""
    return {
        "network": network,
        "account": digest(account),
        "user_id": user_id,
        "place": _place(user_id, network),
        "at": moment,
    }


async def has_others(tx: Tx, user_id: UUID, network: str) -> bool:
    """Whether the user has logged in from other networks, or so long ago that none is stored."""
    its = known_place.c
    others = exists().where(its.user_id == user_id, its.place != _place(user_id, network))
    is_old = user.c.registered_at <= now() - limits.PLACE_LIFE
    result = await tx.execute(select(or_(others, is_old)).where(user.c.id == user_id))
    return bool(result.scalar_one())


def _place(user_id: UUID, network: str) -> bytes:
    """The digest stored for a user and a network: enough to recognise the network again."""
    return digest(f"{user_id} {network}")


async def end_sessions(tx: Tx, user_id: UUID, why: str, *, but: UUID | None = None) -> None:
    """End all sessions of a user, except `but`, and store why; also logins that lack a code.

    Records `SessionEnded` for each.
    """
    # First: a login that is completed meanwhile has its session before the sessions are ended.
    await tx.execute(delete(login_ticket).where(login_ticket.c.user_id == user_id))
    its, moment = session.c, now()
    ended = await tx.execute(
        update(session)
        .where(its.user_id == user_id, its.revoked_at.is_(None), its.id.is_distinct_from(but))
        .values(revoked_at=moment, revoked_why=why)
        .returning(its.id)
    )
    for id in ended.scalars():
        record(tx, SessionEnded(user_id=user_id, session_id=id, at=moment))
