"""Commands that keep what notices need of applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hirewire.contracts.vacancies import ApplicationStated
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx
from hirewire.notifications.applications.rules import Known
from hirewire.notifications.making import InterviewTime

ABANDONED_KEPT = timedelta(days=30)
"""How long an interview is kept of which no candidate is left: longer than its mails wait."""
_KNOWN = """
select user_id, is_accepted, applicant_state from application where id = $1 for update
"""
_MEET = """
insert into application (id, resume_id, user_id) values ($1, $2, $3) on conflict do nothing
"""
_STEP = """
update application set stage = $2, applicant_state = $3 where id = $1
"""
_TITLE = """
select title from resume where id = $1 and not is_deleted and (is_visible or $2)
"""
_ANONYMISE = """
insert into application (id) values ($1)
on conflict (id) do update set user_id = null, resume_id = null
"""
_INTRODUCE = """
update application set is_accepted = is_accepted or $2,
    stage = case when $5 then stage else $3 end,
    applicant_state = case when $5 then applicant_state else $4 end
where id = $1 and user_id is not null
"""


async def met(tx: Tx, id: UUID, resume_id: UUID, user_id: UUID) -> Known | None:
    """What is known of an application, which is locked; None if it was anonymised."""
    await tx.exec_driver_sql(_MEET, (id, resume_id, user_id))
    row = (await tx.exec_driver_sql(_KNOWN, (id,))).one()
    if row.user_id is None:
        return None
    return Known(row.is_accepted, row.applicant_state)


async def introduce(tx: Tx, stated: Sequence[tuple[ApplicationStated, bool]]) -> None:
    """Store applications that were there before, each with whether a later step is known. One that
    was anonymised stays so.
    """
    ids = [(one.application_id, one.resume_id, one.user_id) for one, _ in stated]
    await tx.exec_driver_sql(_MEET, ids)
    rows = [
        (one.application_id, one.submitted_at is not None, one.stage, one.applicant_state, late)
        for one, late in stated
    ]
    await tx.exec_driver_sql(_INTRODUCE, rows)


async def accept(tx: Tx, id: UUID) -> None:
    """Store that the applicant applied, or accepted an invitation."""
    await tx.exec_driver_sql("update application set is_accepted = true where id = $1", (id,))


async def step(tx: Tx, id: UUID, stage: str, applicant_state: str) -> None:
    """Store the stage."""
    await tx.exec_driver_sql(_STEP, (id, stage, applicant_state))


_HOLD = """
insert into interview as i (id, application_id, user_id, employer_id, version, state, starts_at,
    time_zone, minutes, place, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (id) do update set
    user_id = excluded.user_id,
    employer_id = excluded.employer_id, version = excluded.version, state = excluded.state,
    starts_at = excluded.starts_at, at = excluded.at,
    time_zone = coalesce(excluded.time_zone, i.time_zone),
    minutes = coalesce(excluded.minutes, i.minutes),
    place = case when excluded.user_id is not null then coalesce(excluded.place, i.place) end
where i.version < excluded.version
returning time_zone, minutes
"""
_SUPERSEDE = """
update notice set withdrawn_at = $2
where interview_id = $1 and read_at is null and withdrawn_at is null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview:
    """An interview as an event says that it stands."""

    id: UUID
    application_id: UUID
    user_id: UUID | None
    """The applicant; None: erased."""
    employer_id: UUID | None
    version: int
    state: str
    at: datetime
    starts_at: datetime | None = None
    """The agreed time, or the one that was called off."""
    time_zone: str | None = None
    minutes: int | None = None
    place: str | None = None


async def store_interview(tx: Tx, its: Interview) -> InterviewTime | None:
    """Store how an interview stands, and take unread notices of how it stood before away.

    Returns what notices say of it; None if a later change is known.
    """
    stored = await tx.exec_driver_sql(
        _HOLD,
        (
            its.id,
            its.application_id,
            its.user_id,
            its.employer_id,
            its.version,
            its.state,
            its.starts_at,
            its.time_zone,
            its.minutes,
            its.place,
            its.at,
        ),
    )
    row = stored.first()
    if row is None:
        return None
    await tx.exec_driver_sql(_SUPERSEDE, (its.id, its.at))
    return InterviewTime(
        id=its.id, starts_at=its.starts_at, time_zone=row.time_zone, minutes=row.minutes
    )


async def employer_of(tx: Tx, interview_id: UUID) -> UUID | None:
    """Who has proposed an interview according to its last event: it is in that person's calendar.
    Locks its row.
    """
    sql = "select employer_id from interview where id = $1 for update"
    found: UUID | None = (await tx.exec_driver_sql(sql, (interview_id,))).scalar()
    return found


async def title_for_company(tx: Tx, resume_id: UUID, *, is_accepted: bool) -> str | None:
    """The title of a resume that a company may read; None if it may not, or it is not known.

    With an application or an accepted invitation it may, otherwise only a visible one.
    """
    found = await tx.exec_driver_sql(_TITLE, (resume_id, is_accepted))
    title: str | None = found.scalar()
    return title


async def title_for_owner(tx: Tx, resume_id: UUID) -> str | None:
    """The title of the applicant's own resume, if it is known."""
    return await title_for_company(tx, resume_id, is_accepted=True)


async def anonymise(tx: Tx, id: UUID, user_id: UUID) -> None:
    """Forget whose application it is: the applicant's notices go, the company's have no resume."""
    await tx.exec_driver_sql(_ANONYMISE, (id,))
    await tx.exec_driver_sql("delete from interview where application_id = $1", (id,))
    await _forget(tx, [id], user_id)


async def forget_abandoned(tx: Tx) -> None:
    """Delete interviews of which no candidate is left, once the company was mailed that nobody will
    come.
    """
    sql = "delete from interview where user_id is null and at <= $1"
    await tx.exec_driver_sql(sql, (now() - ABANDONED_KEPT,))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete a person's applications, also from companies' notices; returns how many records."""
    rows = await tx.exec_driver_sql(
        "delete from application where user_id = $1 returning id", (user_id,)
    )
    ids = [row.id for row in rows]
    gone = await tx.exec_driver_sql("delete from interview where user_id = $1", (user_id,))
    left = await tx.exec_driver_sql(
        "update interview set employer_id = null where employer_id = $1", (user_id,)
    )
    return len(ids) + gone.rowcount + left.rowcount + await _forget(tx, ids, user_id)


async def _forget(tx: Tx, ids: list[UUID], user_id: UUID) -> int:
    gone = await tx.exec_driver_sql(
        "delete from notice where application_id = any($1::uuid[]) and user_id = $2",
        (ids, user_id),
    )
    changed = await tx.exec_driver_sql(
        "update notice set resume_id = null, resume_title = null "
        "where application_id = any($1::uuid[]) and resume_id is not null",
        (ids,),
    )
    return gone.rowcount + changed.rowcount
