"""Commands that ask applicants about old applications, keep these, and anonymise them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, update
from sqlalchemy.dialects.postgresql import insert

from hirewire.contracts.vacancies import ApplicationsRetentionDue
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.retention import A_MOMENT, months_before
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.applications.ending import anonymise
from hirewire.vacancies.retention import queries
from hirewire.vacancies.tables import application, application_retention


async def ask_next(tx: Tx, months: int) -> bool:
    """Have one person asked about all applications that are due. Records
    `ApplicationsRetentionDue`. True if there was somebody.
    """
    moment = now()
    before = months_before(moment, months)
    user_id = await queries.applicant_to_ask(tx, before)
    if user_id is None:
        return False
    ids = await queries.applications_to_ask_for(tx, user_id, before)
    notice_id = new_id()
    values = {"notice_id": notice_id, "asked_at": moment, "notified_at": None}
    for id in ids:
        row = insert(application_retention).values(application_id=id, **values)
        await tx.execute(row.on_conflict_do_update(index_elements=["application_id"], set_=values))
    if ids:
        record(tx, ApplicationsRetentionDue(notice_id=notice_id, user_id=user_id, asked_at=moment))
    return True


async def notified(tx: Tx, notice_id: UUID, at: datetime) -> None:
    """Note when the mail was queued: by the later of both services' clocks, and only once."""
    its = application_retention.c
    await tx.execute(
        update(application_retention)
        .where(its.notice_id == notice_id, its.notified_at.is_(None))
        .values(notified_at=max(at, now()))
    )


async def keep(tx: Tx, user_id: UUID) -> None:
    """Keep all applications that a person was asked about."""
    its = application_retention.c
    mine = exists().where(application.c.id == its.application_id, application.c.user_id == user_id)
    later = func.greatest(its.asked_at + A_MOMENT, now())
    await tx.execute(
        update(application_retention).where(mine).values(kept_at=later, notice_id=None)
    )


async def anonymise_next(tx: Tx, months: int) -> bool:
    """Anonymise some applications whose applicants did not answer. True if there may be more."""
    moment = now()
    ids = await queries.next_expired(tx, months_before(moment, months))
    if not ids:
        return False
    await anonymise(tx, among(application.c.id, ids))
    await tx.execute(
        update(application_retention)
        .where(among(application_retention.c.application_id, ids))
        .values(anonymised_at=moment, notice_id=None)
    )
    return len(ids) == queries.AT_ONCE
