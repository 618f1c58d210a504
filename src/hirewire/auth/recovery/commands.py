"""Commands that send the link for a new password, and that set passwords."""

import json
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, func, insert, select, update

from hirewire.auth import one_time
from hirewire.auth.announcing import announce_verification
from hirewire.auth.callers import Current
from hirewire.auth.logins import end_sessions, forgive
from hirewire.auth.mails.letters import Kind, letter
from hirewire.auth.notices import Requester, note_and_notify, notify
from hirewire.auth.readers import reader_of
from hirewire.auth.recovery import queries, rules
from hirewire.auth.revoking import revoke_tokens
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.rules import What
from hirewire.auth.tables import address_change, link_to_send, user
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.secrets import CannotOpen, seal, unseal
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)
PURPOSE = "link to send"


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A request for a link, for a known or an unknown address."""

    account: str
    """The key of the address."""
    public_url: str
    language: str | None
    """That of the request, for an account without one."""


async def request_link(tx: Tx, asked: LinkRequest) -> None:
    """Store the request; `send_next_link` answers it, in a transaction of its own.

    So the response says nothing about the account, not even by its time, and a process that is
    killed after it loses nothing.
    """
    sealed = seal(json.dumps(asdict(asked)), PURPOSE)
    await tx.execute(insert(link_to_send).values(id=new_id(), request=sealed, at=now()))


async def send_next_link(tx: Tx) -> bool:
    """Queue the mail of the oldest request, if its address has an account. True if there was one.

    A request that waited longer than its link would have lived is dropped.
    """
    oldest = select(link_to_send).order_by(link_to_send.c.at).limit(1)
    row = (await tx.execute(oldest.with_for_update(skip_locked=True))).first()
    if row is None:
        return False
    await tx.execute(delete(link_to_send).where(link_to_send.c.id == row.id))
    if row.at + rules.LINK_LIFE > now():
        try:
            asked = LinkRequest(**json.loads(unseal(row.request, PURPOSE)))
        except CannotOpen as error:
            log.error("request for a new password lost", error=str(error))
        else:
            await _send_link(tx, asked)
    return True


async def _send_link(tx: Tx, asked: LinkRequest) -> None:
    """Send a link to the stored address of the account, if there is one."""
    reader = await queries.reader_at(tx, asked.account)
    if reader is None:
        return
    expires_at = now() + rules.LINK_LIFE
    token = await one_time.issue(tx, reader.id, asked.account, "password_reset", rules.LINK_LIFE)
    mail = letter(
        "password_reset",
        to=reader.email,
        language=reader.language or asked.language,
        link=f"{asked.public_url}/password/reset?token={token}",
    )
    await queue.send(tx, "password_reset", mail, user_id=reader.id, expires_at=expires_at)


async def set_password(
    tx: Tx, token: str, password_hash: str, requester: Requester, *, network: str
) -> None:
    """Set the password with the token of a link; a mail notifies the user.

    This is the way of somebody whose account was taken, so all sessions end and all personal access
    tokens are revoked. A change of the address that was asked for before, perhaps by a thief,
    cannot be confirmed.

    The owner of the address may log in from this network, whatever was tried before, and the
    address counts as verified. Raises `InvalidLink`.
    """
    secret = await one_time.valid(tx, token, "password_reset")
    await one_time.use(tx, secret.id)
    moment = now()
    changed = await tx.execute(
        update(user)
        .where(user.c.id == secret.user_id)
        .values(
            password_hash=password_hash,
            email_verified_at=func.coalesce(user.c.email_verified_at, moment),
        )
        .returning(user.c.email_verified_at)
    )
    if changed.scalar() == moment:
        announce_verification(tx, secret.user_id, moment)
    await _forget_new_address(tx, secret.user_id)
    await end_sessions(tx, secret.user_id, "password reset")
    if await revoke_tokens(tx, secret.user_id):
        await note(tx, secret.user_id, "tokens_revoked", requester.where)
    await _after(tx, secret.user_id, "password_reset", "password_set_by_link", requester, network)


async def change_password(
    tx: Tx,
    current: Current,
    old_hash: str,
    password_hash: str,
    requester: Requester,
    *,
    network: str,
    revokes_tokens: bool = False,
) -> bool:
    """Change the password, and end all sessions but this one; a mail notifies the user.

    `revokes_tokens`: personal access tokens end too. Links for a new password or a new address stop
    working. False if the old password has changed meanwhile.
    """
    await one_time.lock_account(tx, current.user_id)
    its = user.c
    result = await tx.execute(
        update(user)
        .where(its.id == current.user_id, its.password_hash == old_hash)
        .values(password_hash=password_hash)
    )
    if result.rowcount == 0:
        return False
    await one_time.forget(tx, current.user_id, "password_reset")
    await _forget_new_address(tx, current.user_id)
    await end_sessions(tx, current.user_id, "password changed", but=current.session_id)
    if revokes_tokens and await revoke_tokens(tx, current.user_id):
        await note_and_notify(
            tx, current.user_id, "tokens_revoked", requester, page="/account#tokens"
        )
    done: Final = "password_changed"
    await _after(tx, current.user_id, done, done, requester, network)
    return True


async def _forget_new_address(tx: Tx, user_id: UUID) -> None:
    await one_time.forget(tx, user_id, "email_change")
    await tx.execute(delete(address_change).where(address_change.c.user_id == user_id))


async def _after(
    tx: Tx, user_id: UUID, what: What, mail: Kind, requester: Requester, network: str
) -> None:
    """Allow logins from here, note what was done, and send the mail."""
    changed = await reader_of(tx, user_id)
    await forgive(tx, network, changed.email_key, user_id)
    await note(tx, user_id, what, requester.where)
    await notify(tx, user_id, mail, requester, page="/password/forgot")
