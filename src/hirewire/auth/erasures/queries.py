"""Queries for erasures and their receipts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select

from hirewire.auth.tables import erasure, erasure_answer
from hirewire.messaging.transaction import Tx


async def id_of(tx: Tx, user_id: UUID) -> UUID | None:
    """The id of a user's erasure; None if the user was not erased."""
    found = await tx.execute(select(erasure.c.id).where(erasure.c.user_id == user_id))
    id: UUID | None = found.scalar()
    return id


async def by_receipt(tx: Tx, receipt_hash: bytes) -> Row[UUID, datetime | None] | None:
    """The erasure that a receipt belongs to: its `id` and `completed_at`."""
    result = await tx.execute(
        select(erasure.c.id, erasure.c.completed_at).where(erasure.c.receipt_hash == receipt_hash)
    )
    return result.first()


async def answers(tx: Tx, id: UUID) -> Sequence[Row[str, int, datetime]]:
    """What the services did: `service`, `records` and `at`, in the order of the answers."""
    its = erasure_answer.c
    result = await tx.execute(
        select(its.service, its.records, its.at)
        .where(its.erasure_id == id)
        .order_by(its.at, its.service)
    )
    return result.all()


async def services(tx: Tx) -> list[str]:
    """The services that an erasure will reach, as the owner's list of subscribers has them."""
    rows = await tx.exec_driver_sql(
        "select distinct service from messaging.listener where type = 'user.erased' "
        "and until is null and strpos(service, '@') = 0 order by service"
    )
    return [row.service for row in rows]


async def oldest_open(tx: Tx) -> datetime | None:
    """Since when the oldest erasure is open; None if none is."""
    found = await tx.execute(
        select(func.min(erasure.c.erased_at)).where(erasure.c.completed_at.is_(None))
    )
    since: datetime | None = found.scalar()
    return since


async def erased(tx: Tx) -> Sequence[Row[UUID, UUID, datetime]]:
    """All erasures: `id`, `user_id` and `erased_at`, the oldest first."""
    its = erasure.c
    result = await tx.execute(select(its.id, its.user_id, its.erased_at).order_by(its.erased_at))
    return result.all()
