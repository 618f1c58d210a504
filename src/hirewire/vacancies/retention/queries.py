"""Queries for old applications."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from hirewire.kit.clock import now
from hirewire.kit.retention import ASKED_BEFORE, MARGIN
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.applications import rules
from hirewire.vacancies.tables import application, application_retention, company, vacancy

AT_ONCE = 100
TOUCHED = func.greatest(application.c.updated_at, application_retention.c.kept_at)
"""The last move, or the last time that the applicant said to keep it."""
IS_ASKED = application_retention.c.asked_at >= TOUCHED
"""A condition: the applicant was asked since then."""


def _old(before: datetime) -> ColumnElement[bool]:
    """Ended, not touched since this time, and not anonymised yet."""
    return and_(
        application.c.stage.not_in(rules.OPEN),
        before >= TOUCHED,
        application_retention.c.anonymised_at.is_(None),
    )


def _applications(*columns: Any) -> Select[Any]:
    its = application_retention.c
    return select(*columns).outerjoin(application_retention, its.application_id == application.c.id)


async def applicant_to_ask(tx: Tx, before: datetime) -> UUID | None:
    """Somebody with applications that are older than this, who was not asked yet."""
    unasked = or_(application_retention.c.asked_at.is_(None), ~IS_ASKED)
    chosen = _applications(application.c.user_id).where(_old(before), unasked)
    applicant: UUID | None = (await tx.execute(chosen.limit(1))).scalar()
    return applicant


async def applications_to_ask_for(tx: Tx, user_id: UUID, before: datetime) -> Sequence[UUID]:
    """The applications of this person that are older than this, locked."""
    chosen = _applications(application.c.id).where(application.c.user_id == user_id, _old(before))
    found = await tx.execute(chosen.order_by(application.c.id).with_for_update(of=application))
    return list(found.scalars())


async def next_expired(tx: Tx, before: datetime) -> Sequence[UUID]:
    """Applications whose applicants were asked long enough ago; locked."""
    its = application_retention.c
    chosen = _applications(application.c.id).where(
        _old(before), IS_ASKED, its.notified_at <= now() - ASKED_BEFORE - MARGIN
    )
    chosen = chosen.order_by(application.c.id).limit(AT_ONCE)
    found = await tx.execute(chosen.with_for_update(of=application, skip_locked=True))
    return list(found.scalars())


async def asked_of(tx: Tx, user_id: UUID) -> Sequence[Row[UUID, str, str, datetime]]:
    """The applications that a person was asked about by mail: id, job, company and when."""
    its = application_retention.c
    found = await tx.execute(
        _applications(application.c.id, vacancy.c.title, company.c.name, its.notified_at)
        .join(vacancy, vacancy.c.id == application.c.vacancy_id)
        .join(company, company.c.id == application.c.company_id)
        .where(
            application.c.user_id == user_id,
            IS_ASKED,
            its.notified_at.is_not(None),
            its.anonymised_at.is_(None),
        )
        .order_by(application.c.id)
    )
    return list(found)
