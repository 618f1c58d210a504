"""How the system ends applications and makes them nameless."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies import interview_ends as interviews
from hirewire.vacancies.applications import recording, rules
from hirewire.vacancies.applications.rules import Stage
from hirewire.vacancies.parties import Party
from hirewire.vacancies.tables import (
    application,
    application_message,
    application_move,
    vacancy,
)

CHUNK = 500
"""The number of applications that are closed in one statement."""
RESUME_DELETED = "resume_deleted"
"""The reason for closing the applications of a deleted resume."""
ACCOUNT_DELETED = "account_deleted"
"""The reason for closing the applications of a user who is erased."""


async def close_of_vacancy(tx: Tx, vacancy_id: UUID, reason: str) -> None:
    """Close the open applications of a closed vacancy, except those made after it was reopened."""
    reopened = select(vacancy.c.reopened_at).where(vacancy.c.id == vacancy_id).scalar_subquery()
    of_vacancy = and_(
        application.c.vacancy_id == vacancy_id,
        or_(reopened.is_(None), application.c.created_at < reopened),
    )
    await _close(tx, of_vacancy, "discard_vacancy_closed", reason)


async def withdraw_of_resume(tx: Tx, resume_id: UUID, *, cause: Received[Any]) -> None:
    """Withdraw the open applications of a deleted resume, and delete the stored copies of it."""
    of_resume = application.c.resume_id == resume_id
    await tx.execute(
        update(application)
        .where(of_resume, application.c.kept_resume.is_not(None))
        .values(kept_resume=None)
    )
    await _close(tx, of_resume, "discard_by_applicant", RESUME_DELETED, cause=cause)


async def anonymise(tx: Tx, which: ColumnElement[bool]) -> int:
    """Anonymise these ended applications; returns how many. Records `ApplicationAnonymised`."""
    rows = await _locked(tx, which)
    await _make_nameless(tx, [row.id for row in rows])
    for row in rows:
        recording.anonymised(tx, row)
    return len(rows)


async def erase(tx: Tx, user_id: UUID) -> int:
    """Anonymise the applications of a user who is erased, and delete what they wrote as an
    employer; returns how many rows. Open ones are closed, and their events recorded.
    """
    of_person = application.c.user_id == user_id
    await _close(tx, of_person, "discard_by_applicant", ACCOUNT_DELETED)
    count = await _make_nameless(tx, [row.id for row in await _locked(tx, of_person)])
    texts = await tx.execute(
        delete(application_message).where(application_message.c.user_id == user_id)
    )
    moves = await tx.execute(
        update(application_move)
        .where(application_move.c.user_id == user_id)
        .values(comment=None, user_id=None)
    )
    return count + texts.rowcount + moves.rowcount


async def _locked(tx: Tx, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    chosen = select(application).where(which).order_by(application.c.id).with_for_update()
    return (await tx.execute(chosen)).all()


async def _make_nameless(tx: Tx, ids: Sequence[UUID]) -> int:
    """Anonymise these applications; returns how many rows.

    A company keeps the line and its history of stages: without resume, letter, messages,
    interviews and comments, and with ids that belong to nobody.
    """
    texts = await tx.execute(
        delete(application_message).where(among(application_message.c.application_id, ids))
    )
    meetings = await interviews.forget(tx, ids)
    moves = await tx.execute(
        update(application_move)
        .where(among(application_move.c.application_id, ids))
        .values(comment=None, user_id=None)
    )
    lines = await tx.execute(
        update(application)
        .where(among(application.c.id, ids))
        .values(
            user_id=func.gen_random_uuid(),
            resume_id=func.gen_random_uuid(),
            letter=None,
            kept_resume=None,
        )
    )
    return texts.rowcount + meetings + moves.rowcount + lines.rowcount


async def _close(
    tx: Tx,
    which: ColumnElement[bool],
    stage: Stage,
    reason: str,
    *,
    cause: Received[Any] | None = None,
) -> None:
    """Close open applications; lock them in the order of their ids to avoid deadlocks."""
    chosen = select(application.c.id, application.c.stage)
    chosen = chosen.where(which, application.c.stage.in_(rules.OPEN)).order_by(application.c.id)
    chosen = chosen.limit(CHUNK).with_for_update()
    while before := {row.id: row.stage for row in await tx.execute(chosen)}:
        version, news = application.c.version + 1, _of_others(stage)
        changed = await tx.execute(
            update(application)
            .where(among(application.c.id, before))
            .values(stage=stage, closed_reason=reason, updated_at=now(), version=version)
            .values({news: news + 1})
            .returning(application)
        )
        rows = sorted(changed, key=lambda row: row.id)
        lines = [recording.line(row, before[row.id], side="system", reason=reason) for row in rows]
        await tx.execute(insert(application_move), lines)
        for row in rows:
            recording.stage_change(tx, row, before[row.id], reason, cause)
        why: interviews.Reason = (
            "account_deleted" if reason == ACCOUNT_DELETED else "application_ended"
        )
        await interviews.call_off(tx, rows, "system", why, cause)


def _of_others(stage: Stage) -> Column[int]:
    """The counter of the side that is notified when the system closes an application."""
    party: Party = "applicant" if stage == "discard_vacancy_closed" else "employer"
    return application.c[f"{party}_news"]
