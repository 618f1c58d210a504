"""Commands that count matches in notices, and take them back.

A published vacancy may match hundreds of resumes. Their matches are one unread notice: to a company
by vacancy, to an applicant by resume. Once it is read, the next match begins another one.
"""

from datetime import timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.notifications.making import (
    Side,
    Subject,
    announce,
    is_due,
    recipients,
    recorded_at,
)

Group: TypeAlias = Literal["recommended_candidate", "recommended_vacancy"]
SIDES: tuple[Side, ...] = ("employer", "applicant")
GROUPS: dict[Side, Group] = {
    "employer": "recommended_candidate",
    "applicant": "recommended_vacancy",
}
KEPT = timedelta(days=60)
"""How long a withdrawal is remembered: longer than an older event can be on its way."""

_IS_WITHDRAWN = """
select 1 from withdrawn_match where resume_id = $1 and vacancy_id = $2 and position > $3
"""
_COUNTED = """
select n.user_id from notice_match m join notice n on n.id = m.notice_id
where m.resume_id = $1 and m.vacancy_id = $2 and n.user_id = any($3::uuid[]) and n.side = $4
"""
_COUNT = """
insert into notice as n (id, user_id, kind, side, event_id, at, about_id, vacancy_id, company_id,
    resume_id, resume_title)
select id, user_id, $3, $4, $5, $6, $7, $8, $9, $10,
    (select title from resume where id = $10 and is_visible)
from unnest($1::uuid[], $2::uuid[]) as u(id, user_id)
on conflict (user_id, kind, about_id)
    where about_id is not null and read_at is null and withdrawn_at is null
do update set count = n.count + 1,
    resume_id = case when n.side = 'applicant' then n.resume_id end,
    resume_title = case when n.side = 'applicant' then n.resume_title end,
    vacancy_id = case when n.side = 'employer' then n.vacancy_id end,
    company_id = case when n.side = 'employer' then n.company_id end
returning id, user_id, n.count as counted
"""
_ADD = """
insert into notice_match (notice_id, vacancy_id, resume_id)
select id, $2, $3 from unnest($1::uuid[]) as u(id)
"""
_WITHDRAW = """
insert into withdrawn_match as w (resume_id, vacancy_id, position, at) values ($1, $2, $3, $4)
on conflict (resume_id, vacancy_id) do update
set position = greatest(w.position, excluded.position), at = excluded.at
"""
_TAKE_BACK = """
with gone as (
    delete from notice_match where resume_id = $1 and vacancy_id = $2 returning notice_id
)
update notice n set count = n.count - 1,
    withdrawn_at = case when n.count = 1 then $3 else n.withdrawn_at end
from gone where n.id = gone.notice_id
"""


async def count(tx: Tx, received: Received[Any], match: Subject) -> None:
    """Count a new match in the notices of the company and the applicant; a withdrawn one, or one
    that is counted, changes nothing. Records `NoticeCreated` for each new notice.
    """
    if not await is_due(tx, received):
        return
    pair = (match.resume_id, match.vacancy_id)
    if (await tx.exec_driver_sql(_IS_WITHDRAWN, (*pair, received.order or 0))).first() is not None:
        return
    for side in SIDES:
        people = await recipients(tx, side, match)
        rows = await tx.exec_driver_sql(_COUNTED, (*pair, people, side))
        counted = {row.user_id for row in rows}
        people = [user_id for user_id in people if user_id not in counted]
        if people:
            await _count(tx, received, match, side, people)


async def _count(
    tx: Tx, received: Received[Any], match: Subject, side: Side, people: list[UUID]
) -> None:
    group = GROUPS[side]
    about = match.vacancy_id if side == "employer" else match.resume_id
    at = recorded_at(received)
    rows = await tx.exec_driver_sql(
        _COUNT,
        (
            [new_id() for _ in people],
            people,
            group,
            side,
            received.id,
            at,
            about,
            match.vacancy_id,
            match.company_id,
            match.resume_id,
        ),
    )
    found = rows.all()
    await tx.exec_driver_sql(_ADD, ([row.id for row in found], match.vacancy_id, match.resume_id))
    announce(tx, received, group, at, [(row.id, row.user_id) for row in found if row.counted == 1])


async def withdraw(tx: Tx, received: Received[Any], resume_id: UUID, vacancy_id: UUID) -> None:
    """Take a match out of the notices that count it. One without a match left is not shown."""
    if received.order is not None and await is_due(tx, received):
        await tx.exec_driver_sql(_WITHDRAW, (resume_id, vacancy_id, received.order, now()))
    await tx.exec_driver_sql(_TAKE_BACK, (resume_id, vacancy_id, now()))


async def forget_old(tx: Tx) -> None:
    """Delete withdrawals that no older event can follow any more."""
    await tx.exec_driver_sql("delete from withdrawn_match where at <= $1", (now() - KEPT,))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete which matches of a person's resumes were withdrawn; returns how many records."""
    gone = await tx.exec_driver_sql(
        "delete from withdrawn_match where resume_id in (select id from resume where user_id = $1)",
        (user_id,),
    )
    return gone.rowcount
