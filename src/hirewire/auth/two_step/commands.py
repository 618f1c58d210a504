"""Commands that turn the second step on and off, and that check its codes."""

from collections.abc import Sequence
from math import ceil
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy import LargeBinary, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.auth import login_tickets
from hirewire.auth.granting import Owner
from hirewire.auth.logins import TooManyFailures, admit
from hirewire.auth.notices import Requester, note_and_notify
from hirewire.auth.tables import recovery_code, second_factor
from hirewire.auth.two_step import queries, rules
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import AppError, Kind
from hirewire.kit.secrets import CannotOpen, names_of_earlier_keys, seal, unseal
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)
PURPOSE = "second factor"
PAGE = "/account#two-step"
SEALED_AT_ONCE = 100


class TooManyCodes(AppError):
    """Too many wrong codes: use a recovery code, or try again later."""

    slug = "too-many-codes"
    code = "too_many_codes"
    kind = Kind.TOO_MANY


async def begin(tx: Tx, user_id: UUID) -> str | None:
    """A new secret, which counts after its first code; None if the second step is on already.

    A secret of before that had no code yet stops working.
    """
    secret = rules.new_secret()
    row = upsert(second_factor).values(
        user_id=user_id, secret=seal(secret, PURPOSE), begun_at=now()
    )
    made = await tx.execute(
        row.on_conflict_do_update(
            index_elements=[second_factor.c.user_id],
            set_={"secret": row.excluded.secret, "begun_at": row.excluded.begun_at},
            where=second_factor.c.confirmed_at.is_(None),
        ).returning(second_factor.c.user_id)
    )
    return secret if made.first() is not None else None


async def confirm(
    tx: Tx, user_id: UUID, code: str, requester: Requester
) -> list[str] | Literal["none", "wrong"]:
    """Turn the second step on with the first code, and notify the user; returns recovery codes.

    ``none``: there is no secret to confirm, or it was confirmed already.
    """
    found = await queries.locked(tx, user_id)
    moment = now()
    if (
        found is None
        or found.confirmed_at is not None
        or found.begun_at + rules.SETUP_LIFE <= moment
    ):
        return "none"
    secret = unseal(found.secret, PURPOSE)
    step = rules.step_of(secret, rules.plain(code), moment, None)
    if step is None:
        return "wrong"
    await tx.execute(
        update(second_factor)
        .where(second_factor.c.user_id == user_id)
        .values(confirmed_at=moment, last_step=step)
    )
    codes = await _make_codes(tx, user_id, secret)
    await note_and_notify(tx, user_id, "two_step_on", requester, page=PAGE)
    return codes


async def _make_codes(tx: Tx, user_id: UUID, secret: str) -> list[str]:
    """New recovery codes; those of before stop working."""
    codes, its = rules.new_codes(), recovery_code.c
    await tx.execute(delete(recovery_code).where(its.user_id == user_id))
    marks = [{"user_id": user_id, "mark": rules.mark(secret, rules.plain(c))} for c in codes]
    await tx.execute(insert(recovery_code), marks)
    return codes


async def check(tx: Tx, user_id: UUID, code: str, requester: Requester) -> bool:
    """Whether this is a code of the app or a recovery code of a user; each is right once.

    Wrong codes are counted: the transaction must commit. If the secret cannot be decrypted, no code
    is right, and the log says why. Raises `TooManyCodes`.
    """
    found = await queries.locked(tx, user_id)
    if found is None or found.confirmed_at is None:
        return False
    try:
        secret = unseal(found.secret, PURPOSE)
    except CannotOpen as error:
        log.error("second factor cannot be checked", user_id=str(user_id), error=str(error))
        return False
    given, moment = rules.plain(code), now()
    if not rules.is_of_app(given):
        return await _use_recovery_code(tx, user_id, rules.mark(secret, given), requester)
    pause = rules.pause(found.wrong_codes, found.wrong_since, moment)
    if pause:
        raise TooManyCodes(retry_after=ceil(pause.total_seconds()))
    step = rules.step_of(secret, given, moment, found.last_step)
    values: dict[str, Any]
    if step is not None:
        values = {"last_step": step, "wrong_codes": 0, "wrong_since": None}
    elif found.wrong_since is None or found.wrong_since + rules.WRONG_WINDOW <= moment:
        values = {"wrong_codes": 1, "wrong_since": moment}
    else:
        values = {"wrong_codes": found.wrong_codes + 1}
    await tx.execute(update(second_factor).where(second_factor.c.user_id == user_id).values(values))
    return step is not None


async def _use_recovery_code(tx: Tx, user_id: UUID, mark: bytes, requester: Requester) -> bool:
    its = recovery_code.c
    used = await tx.execute(
        update(recovery_code)
        .where(its.user_id == user_id, its.mark == mark, its.used_at.is_(None))
        .values(used_at=now())
    )
    if used.rowcount == 0:
        return False
    await note_and_notify(tx, user_id, "recovery_code_used", requester, page=PAGE)
    return True


async def complete_login(
    tx: Tx, ticket: str, code: str, network: str, requester: Requester
) -> Owner | Literal["expired", "wrong"]:
    """Complete the login of a ticket with a code; returns whose it is, or a refusal.

    Returns refusals, so that the transaction commits: wrong codes count as failed logins. With the
    last one that is allowed the ticket ends, and a mail says that somebody knows the password.
    Raises `TooManyFailures` and `TooManyCodes`.
    """
    found = await login_tickets.owner(tx, ticket)
    if found is None:
        return "expired"
    pause = await admit(tx, network, found.email_key, found.id)
    if pause:
        raise TooManyFailures(retry_after=ceil(pause.total_seconds()))
    if not await login_tickets.lock_ticket(tx, ticket):
        return "expired"
    if await check(tx, found.id, code, requester):
        await login_tickets.end(tx, ticket)
        return Owner(found.id, found.email_key)
    if await login_tickets.count_wrong(tx, ticket):
        await note_and_notify(
            tx, found.id, "second_step_failed", requester, page="/password/forgot"
        )
        return "expired"
    return "wrong"


async def renew_codes(
    tx: Tx, user_id: UUID, code: str, requester: Requester
) -> Sequence[str] | None:
    """New recovery codes; a mail notifies the user. None if the code is wrong."""
    if not await check(tx, user_id, code, requester):
        return None
    found = await queries.locked(tx, user_id)
    assert found is not None  # it was checked, and is locked
    codes = await _make_codes(tx, user_id, unseal(found.secret, PURPOSE))
    await note_and_notify(tx, user_id, "recovery_codes_made", requester, page=PAGE)
    return codes


async def turn_off(tx: Tx, user_id: UUID, code: str, requester: Requester) -> bool:
    """Turn the second step off; a mail notifies the user. False if the code is wrong."""
    if not await check(tx, user_id, code, requester):
        return False
    await tx.execute(delete(recovery_code).where(recovery_code.c.user_id == user_id))
    await tx.execute(delete(second_factor).where(second_factor.c.user_id == user_id))
    await note_and_notify(tx, user_id, "two_step_off", requester, page=PAGE)
    return True


async def prune(tx: Tx) -> None:
    """Delete secrets that were not confirmed in time, and expired tickets."""
    its = second_factor.c
    old = its.confirmed_at.is_(None), its.begun_at <= now() - rules.SETUP_LIFE
    await tx.execute(delete(second_factor).where(*old))
    await login_tickets.prune(tx)


async def seal_again(tx: Tx) -> bool:
    """Encrypt a batch of secrets with the current key that an earlier one has encrypted.

    So an earlier key can be dropped. Returns True when there may be more.
    """
    its = second_factor.c
    key = func.substr(its.secret, 2, 4, type_=LargeBinary)
    rows = await tx.execute(
        select(its.user_id, its.secret)
        .where(among(key, names_of_earlier_keys()))
        .limit(SEALED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = rows.all()
    for row in found:
        secret = seal(unseal(row.secret, PURPOSE), PURPOSE)
        await tx.execute(
            update(second_factor).where(its.user_id == row.user_id).values(secret=secret)
        )
    return len(found) == SEALED_AT_ONCE
