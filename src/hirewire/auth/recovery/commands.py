"""Commands that send the link for a new password, and that set passwords."""

from uuid import UUID

from sqlalchemy import func, update

from hirewire.auth import one_time
from hirewire.auth.callers import Current
from hirewire.auth.logins import end_sessions, forgive
from hirewire.auth.mails.letters import letter
from hirewire.auth.recovery import queries, rules
from hirewire.auth.tables import user
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.messaging.transaction import Tx


async def send_link(tx: Tx, account: str, *, public_url: str, language: str | None) -> None:
    """Send a link to the stored address of the account with this e-mail key, if there is one.

    `language` is that of the request, for an account without one.
    """
    reader = await queries.reader_at(tx, account)
    if reader is None:
        return
    expires_at = now() + rules.LINK_LIFE
    token = await one_time.issue(tx, reader.id, account, "password_reset", rules.LINK_LIFE)
    mail = letter(
        "password_reset",
        to=reader.email,
        language=reader.language or language,
        link=f"{public_url}/password/reset?token={token}",
    )
    await queue.send(tx, "password_reset", mail, user_id=reader.id, expires_at=expires_at)


async def set_password(
    tx: Tx, token: str, password_hash: str, *, network: str, public_url: str, language: str | None
) -> None:
    """Set the password with the token of a link, and end all sessions; a mail notifies the user.

    The owner of the address may log in from this network, whatever was tried before, and the
    address counts as verified. Raises `InvalidLink`.
    """
    secret = await one_time.valid(tx, token, "password_reset")
    await one_time.use(tx, secret.id)
    await tx.execute(
        update(user)
        .where(user.c.id == secret.user_id)
        .values(
            password_hash=password_hash,
            email_verified_at=func.coalesce(user.c.email_verified_at, now()),
        )
    )
    await end_sessions(tx, secret.user_id, "password reset")
    await _after(tx, secret.user_id, network=network, public_url=public_url, language=language)


async def change_password(
    tx: Tx,
    current: Current,
    old_hash: str,
    password_hash: str,
    *,
    network: str,
    public_url: str,
    language: str | None,
) -> bool:
    """Change the password, and end all sessions but this one; a mail notifies the user.

    Links for a new password stop working. False if the old password has changed meanwhile.
    """
    its = user.c
    result = await tx.execute(
        update(user)
        .where(its.id == current.user_id, its.password_hash == old_hash)
        .values(password_hash=password_hash)
    )
    if result.rowcount == 0:
        return False
    await one_time.forget(tx, current.user_id, "password_reset")
    await end_sessions(tx, current.user_id, "password changed", but=current.session_id)
    await _after(tx, current.user_id, network=network, public_url=public_url, language=language)
    return True


async def _after(
    tx: Tx, user_id: UUID, *, network: str, public_url: str, language: str | None
) -> None:
    """Allow logins from here, and send the mail."""
    changed = await queries.reader(tx, user_id)
    await forgive(tx, network, changed.email_key, user_id)
    mail = letter(
        "password_changed",
        to=changed.email,
        language=changed.language or language,
        link=f"{public_url}/password/forgot",
    )
    await queue.send(tx, "password_changed", mail, user_id=user_id)
