"""Commands that ask the owners of old resumes, keep resumes, and delete them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, update
from sqlalchemy.dialects.postgresql import insert

from hirewire.contracts.profiles import ResumesRetentionDue
from hirewire.kit.clock import now
from hirewire.kit.retention import A_MOMENT, months_before
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.profiles.resumes.commands import remove
from hirewire.profiles.retention import queries
from hirewire.profiles.tables import resume, resume_retention


async def ask_next(tx: Tx, months: int) -> bool:
    """Have one person asked about all resumes that are due. Records `ResumesRetentionDue`.

    True if there was somebody.
    """
    moment = now()
    before = months_before(moment, months)
    user_id = await queries.owner_to_ask(tx, before)
    if user_id is None:
        return False
    ids = await queries.resumes_to_ask_for(tx, user_id, before)
    notice_id = new_id()
    values = {"notice_id": notice_id, "asked_at": moment, "notified_at": None}
    for id in ids:
        row = insert(resume_retention).values(resume_id=id, **values)
        await tx.execute(row.on_conflict_do_update(index_elements=["resume_id"], set_=values))
    if ids:
        record(tx, ResumesRetentionDue(notice_id=notice_id, user_id=user_id, asked_at=moment))
    return True


async def notified(tx: Tx, notice_id: UUID, at: datetime) -> None:
    """Note when the mail was queued: by the later of both services' clocks, and only once."""
    its = resume_retention.c
    await tx.execute(
        update(resume_retention)
        .where(its.notice_id == notice_id, its.notified_at.is_(None))
        .values(notified_at=max(at, now()))
    )


async def keep(tx: Tx, user_id: UUID) -> None:
    """Keep all resumes that a person was asked about, as if they had just been edited."""
    mine = exists().where(resume.c.id == resume_retention.c.resume_id, resume.c.user_id == user_id)
    later = func.greatest(resume_retention.c.asked_at + A_MOMENT, now())
    await tx.execute(update(resume_retention).where(mine).values(kept_at=later, notice_id=None))


async def delete_next(tx: Tx, months: int) -> bool:
    """Delete one resume whose owner did not answer. True if there was one.

    Records `ResumeUpdated`, as a deletion by the owner does.
    """
    expired = await queries.next_expired(tx, months_before(now(), months))
    if expired is None:
        return False
    await remove(tx, expired.user_id, expired.id)
    return True
