"""Commands that begin, complete and give up exports."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from hirewire.auth import one_time
from hirewire.auth.exports import rules
from hirewire.auth.mails.letters import letter
from hirewire.auth.readers import reader_if_any, reader_of
from hirewire.auth.security_log.commands import note
from hirewire.auth.tables import data_export, data_export_part
from hirewire.auth.where import Where
from hirewire.contracts.auth import UserExportFinished, UserExportRequested
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, Kind
from hirewire.kit.exports import parts
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Language
from hirewire.kit.quotas import seconds_to_wait
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

OWN = "auth"


class TooManyExports(AppError):
    """You have exported your data several times today; try again tomorrow."""

    slug = "too-many-exports"
    code = "too_many_exports"
    kind = Kind.TOO_MANY


async def ask(tx: Tx, user_id: UUID, language: Language, public_url: str, where: Where) -> UUID:
    """Begin an export, or return the one that is running. Records `UserExportRequested`.

    Raises `TooManyExports`.
    """
    await lock(tx, f"export {user_id}")
    its, moment = data_export.c, now()
    running = await tx.execute(select(its.id).where(its.user_id == user_id, its.state == "running"))
    if (row := running.first()) is not None:
        return UUID(str(row.id))
    seconds = await seconds_to_wait(
        tx, its.requested_at, its.user_id == user_id, most=rules.MOST_A_DAY, window=rules.A_DAY
    )
    if seconds:
        raise TooManyExports(retry_after=seconds)
    id = new_id()
    await tx.execute(
        insert(data_export).values(
            id=id, user_id=user_id, requested_at=moment, public_url=public_url
        )
    )
    await note(tx, user_id, "export_asked", where)
    pending = [{"export_id": id, "service": service} for service in rules.SERVICES]
    await tx.execute(insert(data_export_part), pending)
    await parts.request(tx, id, user_id, language, moment)
    record(
        tx,
        UserExportRequested(export_id=id, user_id=user_id, language=language, requested_at=moment),
    )
    return id


async def part_made(tx: Tx, export_id: UUID, service: str) -> None:
    """Note that a service has made its part. With the last one a mail notifies the person.

    A repeated note changes nothing, and neither does one for an export that was deleted.
    Records `UserExportFinished`.
    """
    its, part = data_export.c, data_export_part.c
    found = await tx.execute(select(data_export).where(its.id == export_id).with_for_update())
    export = found.first()
    if export is None or export.state != "running":
        return
    await tx.execute(
        update(data_export_part)
        .where(part.export_id == export_id, part.service == service, part.made_at.is_(None))
        .values(made_at=now())
    )
    waiting = await tx.execute(
        select(func.count()).where(part.export_id == export_id, part.made_at.is_(None))
    )
    if waiting.scalar_one() == 0:
        await _ready(tx, export_id, export.user_id, export.public_url)


async def _ready(tx: Tx, id: UUID, user_id: UUID, public_url: str) -> None:
    its, moment = data_export.c, now()
    before = await tx.execute(
        update(data_export)
        .where(its.user_id == user_id, its.state == "ready", its.expires_at > moment)
        .values(expires_at=moment)
        .returning(its.id)
    )
    for row in before.all():
        await _finished(tx, row.id, user_id, moment)
    expires_at = moment + rules.LINK_LIFE
    await tx.execute(
        update(data_export)
        .where(its.id == id)
        .values(state="ready", ready_at=moment, expires_at=expires_at)
    )
    await _finished(tx, id, user_id, expires_at)
    reader = await reader_of(tx, user_id)
    token = await one_time.issue(tx, user_id, reader.email_key, "data_export", rules.LINK_LIFE)
    mail = letter(
        "data_export",
        to=reader.email,
        language=reader.language,
        link=f"{public_url}/account/export?token={token}",
    )
    await queue.send(tx, "data_export", mail, user_id=user_id, expires_at=expires_at)


async def give_up(tx: Tx) -> bool:
    """End the oldest export that has waited too long for a service. True if there was one."""
    its, moment = data_export.c, now()
    oldest = (
        select(its.id, its.user_id)
        .where(its.state == "running", its.requested_at <= moment - rules.GIVE_UP_AFTER)
        .order_by(its.requested_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await tx.execute(oldest)).first()
    if row is None:
        return False
    await tx.execute(
        update(data_export).where(its.id == row.id).values(state="failed", expires_at=moment)
    )
    await _finished(tx, row.id, row.user_id, moment)
    return True


async def link(tx: Tx, user_id: UUID) -> str | None:
    """A token for the page, which works for a few minutes; None for an unknown user.

    The link of the mail stays valid.
    """
    reader = await reader_if_any(tx, user_id)
    if reader is None:
        return None
    purpose: one_time.Purpose = "data_export"
    life = rules.PAGE_LINK_LIFE
    return await one_time.issue(tx, user_id, reader.email_key, purpose, life, is_first=True)


async def forget_old(tx: Tx) -> None:
    """Delete exports that ended long ago from the list."""
    its = data_export.c
    old = its.requested_at <= now() - rules.FORGOTTEN_AFTER
    await tx.execute(delete(data_export).where(its.state != "running", old))


async def _finished(tx: Tx, id: UUID, user_id: UUID, expires_at: datetime) -> None:
    await parts.expire(tx, id, expires_at)
    record(tx, UserExportFinished(export_id=id, user_id=user_id, expires_at=expires_at))
