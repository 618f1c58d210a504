"""Commands that verify an address."""

import hmac
from uuid import UUID

from sqlalchemy import and_, select, update

from hirewire.auth import one_time
from hirewire.auth.security_log.commands import note
from hirewire.auth.tables import one_time_secret, user
from hirewire.auth.verification import rules
from hirewire.auth.verification_mails import CODE_LIFE, marks_of
from hirewire.auth.where import Where
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


async def verify_by_link(tx: Tx, token: str, where: Where) -> None:
    """Verify the address that this token was sent to. Raises `InvalidLink`."""
    secret = await one_time.valid(tx, token, "email_verification")
    await one_time.use(tx, secret.id)
    await _verify(tx, secret.user_id, where)


async def verify_by_code(tx: Tx, user_id: UUID, code: str, where: Where) -> bool:
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
    await _verify(tx, user_id, where)
    return True


async def _verify(tx: Tx, user_id: UUID, where: Where) -> None:
    its = user.c
    changed = update(user).where(its.id == user_id, its.email_verified_at.is_(None))
    if (await tx.execute(changed.values(email_verified_at=now()))).rowcount:
        await note(tx, user_id, "email_verified", where)
