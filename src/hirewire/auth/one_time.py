"""Secrets that work once, sent by mail: made, found and used; and the limits on asking for them."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update

from hirewire.auth import limits
from hirewire.auth.logins import digest
from hirewire.auth.tables import mail_request, one_time_secret, user
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

Purpose = Literal["password_reset", "email_verification", "email_change", "data_export"]
DIGITS = 6


class InvalidLink(AppError):
    """This link is invalid, has expired or was used already; ask for a new one."""

    slug = "invalid-link"
    code = "invalid_link"
    kind = Kind.GONE


async def admit_mail(
    tx: Tx, network: str, account: str, purpose: Purpose, *, is_here: bool
) -> bool:
    """Count a request for a mail to the address of this key; False if there were too many.

    Does the same for unknown addresses. `is_here`: the request comes from this machine.
    """
    moment, key = now(), digest(account)
    its = mail_request.c
    await lock(tx, f"mail {purpose} {key.hex()}")
    await lock(tx, f"mail {purpose} {network}")
    counts = await tx.execute(
        select(
            func.count().filter(its.account == key), func.count().filter(its.network == network)
        ).where(
            or_(its.account == key, its.network == network),
            its.purpose == purpose,
            its.at > moment - limits.MAILS_WINDOW,
        )
    )
    of_account, of_network = counts.one()
    if of_account >= limits.MAILS_TO_ACCOUNT:
        return False
    if of_network >= limits.MAILS_FROM_NETWORK and not is_here:
        return False
    await tx.execute(
        insert(mail_request).values(network=network, account=key, purpose=purpose, at=moment)
    )
    return True


async def issue(
    tx: Tx,
    user_id: UUID,
    address_key: str,
    purpose: Purpose,
    life: timedelta,
    *,
    code_mark: bytes | None = None,
    is_first: bool = False,
) -> str:
    """Make a secret; returns the token for a link. Earlier ones of this purpose stop working.

    `code_mark` is the digest of a code that goes with it. `is_first`: there are no earlier ones.
    """
    if not is_first:
        await lock(tx, f"one-time {purpose} {user_id}")
        await forget(tx, user_id, purpose)
    token, moment = secrets.token_urlsafe(32), now()
    await tx.execute(
        insert(one_time_secret).values(
            id=new_id(),
            user_id=user_id,
            purpose=purpose,
            token_hash=digest(token),
            code_mark=code_mark,
            address_key=address_key,
            created_at=moment,
            expires_at=moment + life,
        )
    )
    return token


def new_code() -> str:
    """A code of six digits, for people who cannot follow the link."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


async def lock_account(tx: Tx, user_id: UUID | None) -> None:
    """Let changes of a user's password and address wait for each other until `tx` ends.

    Each makes the secrets of the other invalid; without one lock they would deadlock.
    """
    await lock(tx, f"account {user_id}")


async def valid(tx: Tx, token: str, purpose: Purpose) -> Row[UUID, UUID, str]:
    """The secret of a token, locked: its `id`, `user_id`, and the user's `email`.

    Raises `InvalidLink` if it was used, has expired, or the user's address has changed since.
    """
    its = one_time_secret.c
    owner = await tx.execute(select(its.user_id).where(its.token_hash == digest(token)))
    await lock_account(tx, owner.scalar())
    result = await tx.execute(
        select(its.id, its.user_id, user.c.email)
        .join(user, and_(user.c.id == its.user_id, user.c.email_key == its.address_key))
        .where(
            its.token_hash == digest(token),
            its.purpose == purpose,
            its.used_at.is_(None),
            its.expires_at > now(),
        )
        .with_for_update(of=one_time_secret)
    )
    found = result.first()
    if found is None:
        raise InvalidLink
    return found


async def by_code(
    tx: Tx,
    user_id: UUID,
    purpose: Purpose,
    code_marks: Sequence[bytes],
    *,
    life: timedelta,
    most_attempts: int,
) -> UUID | None:
    """The id of the user's secret with this code, locked; a wrong code is counted.

    Returns None then, so that the transaction commits. `code_marks` are the digests of the code by
    all keys. After `most_attempts` wrong codes no code is right any more.
    """
    await lock_account(tx, user_id)
    its = one_time_secret.c
    result = await tx.execute(
        select(its.id, its.code_mark)
        .join(user, and_(user.c.id == its.user_id, user.c.email_key == its.address_key))
        .where(
            its.user_id == user_id,
            its.purpose == purpose,
            its.used_at.is_(None),
            its.created_at > now() - life,
            its.attempts < most_attempts,
        )
        .with_for_update(of=one_time_secret)
    )
    secret = result.first()
    if secret is None or secret.code_mark is None:
        return None
    if not any(hmac.compare_digest(secret.code_mark, mark) for mark in code_marks):
        await tx.execute(
            update(one_time_secret).where(its.id == secret.id).values(attempts=its.attempts + 1)
        )
        return None
    id: UUID = secret.id
    return id


async def use(tx: Tx, id: UUID) -> None:
    """Note that a secret was used: it does not work again."""
    await tx.execute(
        update(one_time_secret).where(one_time_secret.c.id == id).values(used_at=now())
    )


async def forget(tx: Tx, user_id: UUID, purpose: Purpose) -> None:
    """Delete a user's secrets of this purpose."""
    its = one_time_secret.c
    await tx.execute(delete(one_time_secret).where(its.user_id == user_id, its.purpose == purpose))


async def prune(tx: Tx) -> None:
    """Delete expired secrets, and requests that no limit counts any more."""
    moment = now()
    await tx.execute(delete(one_time_secret).where(one_time_secret.c.expires_at <= moment))
    old = mail_request.c.at <= moment - limits.MAILS_WINDOW
    await tx.execute(delete(mail_request).where(old))
