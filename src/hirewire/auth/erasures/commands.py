"""Commands that erase an account and collect the services' answers."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from hirewire.auth.admins import keep_one, lock_admins
from hirewire.auth.companies import leave
from hirewire.auth.erasures import queries, rules
from hirewire.auth.logins import digest
from hirewire.auth.mails.letters import letter
from hirewire.auth.tables import (
    erasure,
    erasure_answer,
    failed_login,
    mail_request,
    metadata,
    refresh_token,
    session,
    user,
)
from hirewire.contracts.auth import UserErased
from hirewire.kit import erasing
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.secrets import marks
from hirewire.messaging import erasure as messages
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

OWN = "auth"
FAREWELL: Final = "account_erased"
"""The kind of the last mail to a user."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A user whose erasure was confirmed by the password with this hash."""

    user_id: UUID
    password_hash: str


def receipt_of(erasure_id: UUID) -> str:
    """The secret id of a receipt: 256 bits that only this installation can compute.

    So two requests at once get the same one, and no table has it.
    """
    mark = marks(f"erasure {erasure_id}", "receipt")[0]
    return base64.urlsafe_b64encode(mark).decode().rstrip("=")


async def receipt_of_user(tx: Tx, user_id: UUID) -> str | None:
    """The receipt of a user who was erased; None for any other."""
    id = await queries.id_of(tx, user_id)
    return receipt_of(id) if id is not None else None


async def delete_account(
    tx: Tx, leaving: Leaving, *, public_url: str, language: str | None
) -> str | None:
    """Erase a user here and record `UserErased`; returns the receipt.

    A user who was erased meanwhile gets the same receipt. None if the password has changed since it
    was checked. A last mail with the link of the receipt goes to the address, which the row of the
    mail has until it is sent. Raises `LastAdmin`: the command line removes the last operator first.
    """
    await messages.lock(tx, {str(leaving.user_id): True})
    its = user.c
    role = await tx.execute(select(its.role).where(its.id == leaving.user_id))
    if role.scalar() == "admin":
        await lock_admins(tx)
        await keep_one(tx, leaving.user_id)
    found = await tx.execute(select(user).where(its.id == leaving.user_id).with_for_update())
    row = found.first()
    if row is None:
        return await receipt_of_user(tx, leaving.user_id)
    if row.password_hash != leaving.password_hash:
        return None
    id, moment = new_id(), now()
    receipt = receipt_of(id)
    expected = sorted({OWN, *await queries.services(tx)})
    await tx.execute(
        insert(erasure).values(
            id=id,
            user_id=row.id,
            receipt_hash=digest(receipt),
            erased_at=moment,
            services=expected,
        )
    )
    await _erase_here(tx, id, row.id)
    mail = letter(
        FAREWELL,
        to=row.email,
        language=row.language or language,
        link=f"{public_url}/erasures/{receipt}",
    )
    await queue.send(tx, FAREWELL, mail, user_id=None, expires_at=moment + queue.GIVE_UP_AFTER)
    return receipt


async def erase_again(tx: Tx, user_id: UUID, erasure_id: UUID, erased_at: datetime) -> None:
    """Erase what a restored backup has brought back, here and, by the event, in all services.

    An erasure that this service has forgotten itself, since it was restored too, has no receipt any
    more; its user is erased all the same.
    """
    await messages.lock(tx, {str(user_id): True})
    receipt = receipt_of(erasure_id)
    await tx.execute(
        insert(erasure)
        .values(
            id=erasure_id,
            user_id=user_id,
            receipt_hash=digest(receipt),
            erased_at=erased_at,
            services=sorted({OWN, *await queries.services(tx)}),
        )
        .on_conflict_do_nothing()
    )
    await _erase_here(tx, erasure_id, user_id)


async def _erase_here(tx: Tx, erasure_id: UUID, user_id: UUID) -> None:
    records = await erasing.erase(tx, user_id, erasure_id, [erase])
    moment = now()
    await answer(tx, erasure_id, OWN, records, moment)
    record(tx, UserErased(user_id=user_id, erasure_id=erasure_id, erased_at=moment))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the account with all that depends on it; returns how many rows."""
    row = (await tx.execute(select(user.c.email_key).where(user.c.id == user_id))).first()
    if row is None:
        return 0
    account = digest(row.email_key)
    await tx.execute(update(user).where(user.c.blocked_by == user_id).values(blocked_by=None))
    records = await leave(tx, user_id)
    for table, condition in (
        (
            refresh_token,
            refresh_token.c.session_id.in_(
                select(session.c.id).where(session.c.user_id == user_id)
            ),
        ),
        (failed_login, failed_login.c.account == account),
        (mail_request, mail_request.c.account == account),
        *((table, table.c.user_id == user_id) for table in _of_users()),
        (user, user.c.id == user_id),
    ):
        records += (await tx.execute(delete(table).where(condition))).rowcount
    return records


def _of_users() -> list[Table]:
    """The tables whose rows belong to one user each; what depends on these goes by cascade."""
    return [
        table
        for table in reversed(metadata.sorted_tables)
        if "user_id" in table.c and table.c.user_id.foreign_keys
    ]


async def answer(tx: Tx, erasure_id: UUID, service: str, records: int, at: datetime) -> None:
    """Keep a service's answer, the first one; the last answer completes the erasure."""
    await tx.execute(
        insert(erasure_answer)
        .values(erasure_id=erasure_id, service=service, records=records, at=at)
        .on_conflict_do_nothing()
    )
    # The lock makes two last answers see each other.
    found = await tx.execute(
        select(erasure.c.services, erasure.c.completed_at)
        .where(erasure.c.id == erasure_id)
        .with_for_update()
    )
    row = found.first()
    if row is None or row.completed_at is not None:
        return
    answered: Sequence[str] = [one.service for one in await queries.answers(tx, erasure_id)]
    if rules.is_complete(row.services, answered):
        await tx.execute(
            update(erasure).where(erasure.c.id == erasure_id).values(completed_at=now())
        )


async def drop_undelivered(tx: Tx) -> None:
    """Delete last mails that were given up, with the address that is in them."""
    await tx.exec_driver_sql("delete from kit.mail where kind = $1 and state = 'dead'", (FAREWELL,))
