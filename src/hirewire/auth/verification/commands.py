"""Commands that verify an address."""

import hmac
from uuid import UUID

from sqlalchemy import and_, func, select, update

from hirewire.auth import one_time
from hirewire.auth.tables import one_time_secret, user
from hirewire.auth.verification import rules
from hirewire.auth.verification_mails import CODE_LIFE, marks_of
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


async def verify_by_link(tx: Tx, token: str) -> None:
    """Verify the address that this token was sent to. Raises `InvalidLink`."""
    secret = await one_time.valid(tx, token, "email_verification")
    await one_time.use(tx, secret.id)
    await _note(tx, secret.user_id)


async def verify_by_code(tx: Tx, user_id: UUID, code: str) -> bool:
    """Verify the user's address if this is the code of the last mail. A wrong code is counted.

    After `MOST_ATTEMPTS` wrong codes no code is right any more. Returns a bool, so that the
    transaction commits.
    """
    its, moment = one_time_secret.c, now()
    result = await tx.execute(
        select(its.id, its.code_mark)
        .join(user, and_(user.c.id == its.user_id, user.c.email_key == its.address_key))
        .where(
            its.user_id == user_id,
            its.purpose == "email_verification",
            its.used_at.is_(None),
            its.created_at > moment - CODE_LIFE,
            its.attempts < rules.MOST_ATTEMPTS,
        )
        .with_for_update(of=one_time_secret)
    )
    secret = result.first()
    if secret is None or secret.code_mark is None:
        return False
    if not any(hmac.compare_digest(secret.code_mark, mark) for mark in marks_of(user_id, code)):
        await tx.execute(
            update(one_time_secret).where(its.id == secret.id).values(attempts=its.attempts + 1)
        )
        return False
    await one_time.use(tx, secret.id)
    await _note(tx, user_id)
    return True


async def _note(tx: Tx, user_id: UUID) -> None:
    verified_at = func.coalesce(user.c.email_verified_at, now())
    await tx.execute(update(user).where(user.c.id == user_id).values(email_verified_at=verified_at))
