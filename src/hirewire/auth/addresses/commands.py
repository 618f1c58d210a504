"""Commands that change the address of an account."""

from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from hirewire.auth import one_time
from hirewire.auth.addresses import queries, rules
from hirewire.auth.callers import Current, is_open
from hirewire.auth.credentials import email_key
from hirewire.auth.mails.letters import letter
from hirewire.auth.notices import Requester, note_and_notify
from hirewire.auth.readers import reader_of
from hirewire.auth.tables import address_change, user
from hirewire.auth.taken import EmailTaken, notify_owner
from hirewire.contracts.auth import UserEmailChanged
from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.mail import queue
from hirewire.kit.secrets import marks
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx


async def ask(tx: Tx, caller: Current, email: str, requester: Requester) -> None:
    """Ask for another address: a link and a code go to it, and a notice to the current one.

    Earlier links and codes stop working. If another account has the address, its owner is notified
    instead; the caller learns nothing of it. Raises `Unauthenticated` if the session has ended just
    now, as it does when the owner sets a new password.
    """
    user_id = caller.user_id
    await one_time.lock_account(tx, user_id)
    if not await is_open(tx, caller.session_id):
        raise Unauthenticated("This session has ended.")
    key, now_at = email_key(email), now()
    current = await reader_of(tx, user_id)
    code = one_time.new_code()
    # The secret is bound to the current address: once that has changed, it is dead.
    token = await one_time.issue(
        *(tx, user_id, current.email_key, "email_change", rules.LIFE),
        code_mark=_marks_of(user_id, code)[0],
    )
    asked = insert(address_change).values(
        user_id=user_id, email=email, email_key=key, expires_at=now_at + rules.LIFE
    )
    columns = {name: asked.excluded[name] for name in ("email", "email_key", "expires_at")}
    await tx.execute(asked.on_conflict_do_update(index_elements=["user_id"], set_=columns))
    more = {"address": email}
    await note_and_notify(tx, user_id, "email_change_requested", requester, more=more)
    if await notify_owner(tx, key, requester):
        return
    mail = letter(
        "email_change",
        to=email,
        language=current.language or requester.language,
        link=f"{requester.public_url}/email/change?token={token}",
        code=code,
    )
    expires_at = now_at + rules.LIFE
    await queue.send(tx, "email_change", mail, user_id=user_id, expires_at=expires_at)


async def confirm_by_link(tx: Tx, token: str, requester: Requester) -> None:
    """Change the address with the token of the link. Raises `InvalidLink` and `EmailTaken`."""
    secret = await one_time.valid(tx, token, "email_change")
    await one_time.use(tx, secret.id)
    await _change(tx, secret.user_id, requester)


async def confirm_by_code(tx: Tx, user_id: UUID, code: str, requester: Requester) -> bool:
    """Change the address if this is the code of the last mail; a wrong code is counted.

    Returns a bool, so that the transaction commits. Raises `EmailTaken`.
    """
    secret = await one_time.by_code(
        *(tx, user_id, "email_change", _marks_of(user_id, code)),
        life=rules.LIFE,
        most_attempts=rules.MOST_ATTEMPTS,
    )
    if secret is None:
        return False
    await one_time.use(tx, secret)
    await _change(tx, user_id, requester)
    return True


async def cancel(tx: Tx, user_id: UUID) -> None:
    """Forget the change that a user has asked for: its link and code stop working."""
    await one_time.lock_account(tx, user_id)
    await one_time.forget(tx, user_id, "email_change")
    await tx.execute(delete(address_change).where(address_change.c.user_id == user_id))


async def forget_old(tx: Tx) -> None:
    """Delete changes that nobody has confirmed in time."""
    await tx.execute(delete(address_change).where(address_change.c.expires_at <= now()))


async def _change(tx: Tx, user_id: UUID, requester: Requester) -> None:
    """Change the address to the one that was asked for. Records `UserEmailChanged`.

    A mail notifies the old address, whose links for a new password stop working. Sessions stay.
    """
    asked, moment = await queries.asked_change(tx, user_id), now()
    if asked is None:
        raise one_time.InvalidLink
    if await queries.has_another_owner(tx, asked.email_key, user_id):
        raise EmailTaken
    more = {"address": asked.email}
    await note_and_notify(tx, user_id, "email_changed", requester, page="/contact", more=more)
    changed = update(user).where(user.c.id == user_id)
    try:
        await tx.execute(
            changed.values(email=asked.email, email_key=asked.email_key, email_verified_at=moment)
        )
    except IntegrityError:  # somebody registered it just now
        raise EmailTaken from None
    for purpose in ("password_reset", "email_verification"):
        await one_time.forget(tx, user_id, purpose)
    await cancel(tx, user_id)
    record(tx, UserEmailChanged(user_id=user_id, email=asked.email, at=moment))


def _marks_of(user_id: UUID, code: str) -> list[bytes]:
    """The digests by which a code is recognised, the current key's first."""
    return list(marks(f"{user_id} {code}", "email change code"))
