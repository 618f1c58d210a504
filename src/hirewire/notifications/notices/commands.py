"""Commands that mark notices as read and delete old ones."""

from uuid import UUID

from sqlalchemy import delete, func, select, update

from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import NotFound
from hirewire.messaging.transaction import Tx
from hirewire.notifications.kinds import Kind
from hirewire.notifications.making import KEPT
from hirewire.notifications.tables import counted_message, notice

AT_ONCE = 1000
"""The number of old notices that are deleted in one transaction."""


class NoSuchNotice(NotFound):
    """Notice not found, or it is not yours."""

    code = "notice_not_found"


async def read(tx: Tx, user_id: UUID, id: UUID) -> None:
    """Mark a notice as read; one that is read stays as it is. Raises `NoSuchNotice`."""
    its = notice.c
    marked = await tx.execute(
        update(notice)
        .where(its.id == id, its.user_id == user_id)
        .values(read_at=func.coalesce(its.read_at, now()))
    )
    if marked.rowcount == 0:
        raise NoSuchNotice


async def read_until(tx: Tx, user_id: UUID, id: UUID) -> None:
    """Mark this notice and all older ones as read."""
    its = notice.c
    older = (its.user_id == user_id) & (its.id <= id) & its.read_at.is_(None)
    await tx.execute(update(notice).where(older).values(read_at=now()))


async def read_about(
    tx: Tx,
    user_id: UUID,
    *,
    kind: Kind | None,
    application_id: UUID | None,
    vacancy_id: UUID | None,
    resume_id: UUID | None,
    search_id: UUID | None,
) -> None:
    """Mark a person's notices as read that are about all the things named; without any, none."""
    its = notice.c
    about = {
        its.kind: kind,
        its.application_id: application_id,
        its.vacancy_id: vacancy_id,
        its.resume_id: resume_id,
    }
    chosen = [column == value for column, value in about.items() if value is not None]
    if search_id is not None:
        chosen += [its.kind == "saved_search", its.about_id == search_id]
    if chosen:
        unread = (its.user_id == user_id) & its.read_at.is_(None)
        await tx.execute(update(notice).where(unread, *chosen).values(read_at=now()))


async def forget_old(tx: Tx) -> bool:
    """Delete some of the old notices. True if there may be more."""
    its, counted = notice.c, counted_message.c
    chosen = select(its.id).where(its.at <= now() - KEPT).order_by(its.at).limit(AT_ONCE)
    ids = (await tx.execute(chosen.with_for_update(skip_locked=True))).scalars().all()
    await tx.execute(delete(notice).where(among(its.id, ids)))
    old = select(counted.event_id).where(counted.at <= now() - KEPT).limit(AT_ONCE)
    events = (await tx.execute(old)).scalars().all()
    await tx.execute(delete(counted_message).where(among(counted.event_id, events)))
    return AT_ONCE in (len(ids), len(events))
