"""Commands that add, use and remove passkeys."""

import secrets
from math import ceil
from typing import Literal
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.auth.failures import note_failure
from hirewire.auth.granting import Owner
from hirewire.auth.logins import TooManyFailures, admit, digest
from hirewire.auth.notices import Requester, note_and_notify
from hirewire.auth.passkeys import queries, rules
from hirewire.auth.passkeys.rules import NotAccepted, Site
from hirewire.auth.tables import passkey, passkey_challenge
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

NOBODY = "passkey"
"""The account by which answers with unknown passkeys are counted: no address is like this."""


async def challenge(tx: Tx, network: str, session_id: UUID | None = None) -> bytes:
    """A new challenge; with a session, for a passkey that it adds, otherwise for a sign-in."""
    made = secrets.token_bytes(32)
    await tx.execute(
        insert(passkey_challenge).values(
            hash=digest(made.hex()),
            session_id=session_id,
            network=network,
            expires_at=now() + rules.CHALLENGE_LIFE,
        )
    )
    return made


async def unanswered(tx: Tx, network: str) -> int:
    """The number of challenges of sign-ins that were sent to a network and not answered yet."""
    its = passkey_challenge.c
    result = await tx.execute(
        select(func.count()).where(
            its.network == network, its.session_id.is_(None), its.expires_at > now()
        )
    )
    return int(result.scalar_one())


async def _redeem(tx: Tx, credential: str, session_id: UUID | None) -> bytes | None:
    """Use up the challenge that an answer is for; None if it is none of ours, or of the past.

    Raises `NotAccepted`.
    """
    answered, its = rules.challenge_in(credential), passkey_challenge.c
    result = await tx.execute(
        delete(passkey_challenge)
        .where(its.hash == digest(answered.hex()), its.session_id.is_not_distinct_from(session_id))
        .returning(its.expires_at)
    )
    expires_at = result.scalar()
    return answered if expires_at is not None and expires_at > now() else None


AddRefusal = Literal["late", "refused", "known", "full"]


async def add(
    tx: Tx,
    user_id: UUID,
    session_id: UUID,
    site: Site,
    credential: str,
    name: str,
    requester: Requester,
) -> Row[UUID] | AddRefusal:
    """Add the passkey of an answer; returns its row. A mail notifies the user.

    Returns a refusal, so that the transaction commits: the challenge is used up in any case.
    """
    try:
        answered = await _redeem(tx, credential, session_id)
        if answered is None:
            return "late"
        made = rules.added(site, credential, answered)
    except NotAccepted:
        return "refused"
    await lock(tx, f"passkeys {user_id}")
    if len(await queries.passkeys(tx, user_id)) >= rules.MOST_PASSKEYS:
        return "full"
    its = passkey.c
    stored = await tx.execute(
        upsert(passkey)
        .values(
            id=new_id(),
            user_id=user_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            added_at=now(),
        )
        .on_conflict_do_nothing(index_elements=[its.credential_id])
        .returning(its.id, its.name, its.added_at, its.used_at)
    )
    row = stored.first()
    if row is None:
        return "known"
    await note_and_notify(tx, user_id, "passkey_added", requester, page="/account#passkeys")
    return row


LoginRefusal = Literal["late", "unknown", "refused", "copied"]


async def use(
    tx: Tx, site: Site, credential: str, network: str, requester: Requester
) -> Owner | LoginRefusal:
    """Check an answer to a sign-in; returns whose it is, or a refusal.

    Returns refusals, so that the transaction commits: the challenge is used up, and the failed
    login counts. The answer names the passkey and its owner (`handle`): both must be as stored.
    Raises `TooManyFailures`.
    """
    try:
        answered = await _redeem(tx, credential, None)
        id, handle = rules.named_in(credential)
    except NotAccepted:
        return "refused"
    if answered is None:
        return "late"
    found = await queries.owned(tx, id)
    account = found.email_key if found else NOBODY
    pause = await admit(tx, network, account, found.user_id if found else None)
    if pause:
        raise TooManyFailures(retry_after=ceil(pause.total_seconds()))
    if found is None or handle != found.user_id.bytes:
        return "unknown"
    try:
        counter = rules.sign_count_of(site, credential, answered, found.public_key)
    except NotAccepted:
        await note_failure(tx, network, account, found.user_id, requester)
        return "refused"
    if rules.is_copied(found.sign_count, counter):
        await note_and_notify(
            tx, found.user_id, "passkey_copied", requester, page="/account#passkeys"
        )
        return "copied"
    await tx.execute(
        update(passkey).where(passkey.c.id == found.id).values(sign_count=counter, used_at=now())
    )
    return Owner(found.user_id, account)


async def rename(tx: Tx, id: UUID, user_id: UUID, name: str) -> Row[UUID] | None:
    """Rename a user's passkey; None if there is none with this id."""
    its = passkey.c
    result = await tx.execute(
        update(passkey)
        .where(its.id == id, its.user_id == user_id)
        .values(name=name)
        .returning(its.id, its.name, its.added_at, its.used_at)
    )
    return result.first()


async def remove(tx: Tx, id: UUID, user_id: UUID, requester: Requester) -> bool:
    """Remove a user's passkey; a mail notifies them. False if there is none with this id."""
    its = passkey.c
    result = await tx.execute(delete(passkey).where(its.id == id, its.user_id == user_id))
    if result.rowcount == 0:
        return False
    await note_and_notify(tx, user_id, "passkey_removed", requester, page="/account#passkeys")
    return True


async def prune(tx: Tx) -> None:
    """Delete expired challenges."""
    await tx.execute(delete(passkey_challenge).where(passkey_challenge.c.expires_at <= now()))
