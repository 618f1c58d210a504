"""Queries for old resumes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select

from hirewire.kit.clock import now
from hirewire.kit.retention import ASKED_BEFORE, MARGIN
from hirewire.messaging.transaction import Tx
from hirewire.profiles.tables import opened_application, resume, resume_retention

TOUCHED = func.greatest(resume.c.updated_at, resume_retention.c.kept_at)
"""The last edit, or the last time that the owner said to keep it."""
IS_ASKED = resume_retention.c.asked_at >= TOUCHED
"""A condition: the owner was asked since then."""


def _old(before: datetime) -> ColumnElement[bool]:
    """Not touched, and not used in an application, since this time."""
    its = opened_application.c
    used = exists().where(
        its.resume_id == resume.c.id,
        or_(its.ended_at.is_(None), its.ended_at > before, its.opened_at > before),
    )
    return and_(before >= TOUCHED, ~used)


def _resumes(*columns: Any) -> Select[Any]:
    return select(*columns).outerjoin(resume_retention, resume_retention.c.resume_id == resume.c.id)


async def owner_to_ask(tx: Tx, before: datetime) -> UUID | None:
    """Somebody with resumes that are older than this, who was not asked yet."""
    unasked = or_(resume_retention.c.asked_at.is_(None), ~IS_ASKED)
    found = await tx.execute(_resumes(resume.c.user_id).where(_old(before), unasked).limit(1))
    owner: UUID | None = found.scalar()
    return owner


async def resumes_to_ask_for(tx: Tx, user_id: UUID, before: datetime) -> Sequence[UUID]:
    """The resumes of this person that are older than this, locked."""
    chosen = _resumes(resume.c.id).where(resume.c.user_id == user_id, _old(before))
    found = await tx.execute(chosen.order_by(resume.c.id).with_for_update(of=resume))
    return list(found.scalars())


async def next_expired(tx: Tx, before: datetime) -> Row[UUID, UUID] | None:
    """A resume whose owner was asked long enough ago, and has not touched it since; locked."""
    chosen = _resumes(resume.c.id, resume.c.user_id).where(
        _old(before), IS_ASKED, resume_retention.c.notified_at <= now() - ASKED_BEFORE - MARGIN
    )
    found = await tx.execute(chosen.limit(1).with_for_update(of=resume, skip_locked=True))
    row: Row[UUID, UUID] | None = found.first()
    return row


async def asked_of(tx: Tx, user_id: UUID) -> Sequence[Row[UUID, str | None, datetime]]:
    """The resumes that a person was asked about by mail: id, title and when."""
    its = resume_retention.c
    found = await tx.execute(
        _resumes(resume.c.id, resume.c.title, its.notified_at)
        .where(resume.c.user_id == user_id, IS_ASKED, its.notified_at.is_not(None))
        .order_by(resume.c.id)
    )
    return list(found)
