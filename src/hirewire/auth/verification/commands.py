"""Commands that verify an address."""

from uuid import UUID

from sqlalchemy import update

from hirewire.auth import one_time
from hirewire.auth.announcing import announce_verification
from hirewire.auth.security_log.commands import note
from hirewire.auth.tables import user
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
    secret = await one_time.by_code(
        *(tx, user_id, "email_verification", marks_of(user_id, code)),
        life=CODE_LIFE,
        most_attempts=rules.MOST_ATTEMPTS,
    )
    if secret is None:
        return False
    await one_time.use(tx, secret)
    await _verify(tx, user_id, where)
    return True


async def _verify(tx: Tx, user_id: UUID, where: Where) -> None:
    its = user.c
    changed = update(user).where(its.id == user_id, its.email_verified_at.is_(None))
    moment = now()
    if (await tx.execute(changed.values(email_verified_at=moment))).rowcount:
        await note(tx, user_id, "email_verified", where)
        announce_verification(tx, user_id, moment)
