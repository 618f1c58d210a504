"""Commands that count matches in notices, and take them back.

A published vacancy may match hundreds of resumes. Their matches are one unread notice: to a company
by vacancy, to an applicant by resume. Once it is read, the next match begins another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from hirewire.contracts.vacancies import RecommendationCreated
from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.notifications import restoring
from hirewire.notifications.kinds import Side
from hirewire.notifications.making import announce, due, met, recorded_at
from hirewire.notifications.planning import hold_back, plan

Group: TypeAlias = Literal["recommended_candidate", "recommended_vacancy"]
GROUPS: dict[Side, Group] = {
    "employer": "recommended_candidate",
    "applicant": "recommended_vacancy",
}
KEPT = timedelta(days=60)
"""How long a withdrawal is remembered: longer than an older event can be on its way."""

_WITHDRAWN = """
select w.resume_id, w.vacancy_id from withdrawn_match w
join unnest($1::uuid[], $2::uuid[], $3::bigint[]) as u(resume_id, vacancy_id, position)
    using (resume_id, vacancy_id)
where w.position > u.position
"""
_COMPANIES = """
select e.company_id, p.user_id from employer e join person p using (user_id)
where e.company_id = any($1::uuid[]) and not p.is_blocked order by p.user_id for key share of p
"""
_COUNTED = """
update notice_match m set position = greatest(m.position, u.position)
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as u(resume_id, vacancy_id, position), notice n
where m.resume_id = u.resume_id and m.vacancy_id = u.vacancy_id and n.id = m.notice_id
returning n.user_id, n.side, m.resume_id, m.vacancy_id
"""
_COUNT = """
insert into notice as n (id, user_id, kind, side, event_id, at, count, about_id, vacancy_id,
    company_id, resume_id, resume_title)
select u.id, u.user_id, u.kind, u.side, u.event_id, u.at, u.count, u.about_id, u.vacancy_id,
    u.company_id, u.resume_id, r.title
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[],
        $7::integer[], $8::uuid[], $9::uuid[], $10::uuid[], $11::uuid[])
    as u(id, user_id, kind, side, event_id, at, count, about_id, vacancy_id, company_id, resume_id)
left join resume r on r.id = u.resume_id and r.is_visible
order by u.user_id, u.about_id
on conflict (user_id, kind, about_id)
    where about_id is not null and read_at is null and withdrawn_at is null
do update set count = n.count + excluded.count,
    resume_id = case when n.side = 'applicant' then n.resume_id end,
    resume_title = case when n.side = 'applicant' then n.resume_title end,
    vacancy_id = case when n.side = 'employer' then n.vacancy_id end,
    company_id = case when n.side = 'employer' then n.company_id end
returning id, user_id, kind, about_id, at
"""
_ADD = """
insert into notice_match (notice_id, vacancy_id, resume_id, position, mails)
select u.notice_id, u.vacancy_id, u.resume_id, u.position, n.mails
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[])
    as u(notice_id, vacancy_id, resume_id, position)
join notice n on n.id = u.notice_id
"""
_WITHDRAW = """
insert into withdrawn_match as w (resume_id, vacancy_id, position, at) values ($1, $2, $3, $4)
on conflict (resume_id, vacancy_id) do update
set position = greatest(w.position, excluded.position), at = excluded.at
"""
_TAKE_BACK = """
with gone as (
    delete from notice_match
    where resume_id = $1 and vacancy_id = $2 and ($4::bigint is null or position < $4)
    returning notice_id
)
update notice n set count = n.count - 1,
    withdrawn_at = case when n.count = 1 then $3 else n.withdrawn_at end
from gone where n.id = gone.notice_id
"""
_ERASE = """
with gone as (
    delete from notice_match where resume_id in (select id from resume where user_id = $1)
    returning notice_id
), counted as (
    select notice_id, count(*) as matches from gone group by notice_id
)
update notice n set count = n.count - c.matches,
    withdrawn_at = case when n.count = c.matches then $2 else n.withdrawn_at end
from counted c where n.id = c.notice_id
"""


@dataclass(frozen=True, slots=True)
class _Match:
    resume_id: UUID
    vacancy_id: UUID
    company_id: UUID
    applicant_id: UUID
    position: int
    """The number of the event among those of the resume; 0 without one."""
    cause: Received[Any]

    @property
    def pair(self) -> tuple[UUID, UUID]:
        return self.resume_id, self.vacancy_id

    def about(self, side: Side) -> UUID:
        return self.vacancy_id if side == "employer" else self.resume_id


_Place: TypeAlias = tuple[UUID, Side, UUID]
"""A person, the side, and what matches are grouped by."""


async def count(tx: Tx, received: Sequence[Received[RecommendationCreated]]) -> None:
    """Count new matches in the notices of companies and applicants. Records `NoticeCreated` for
    each new notice. A match that was withdrawn later, or is counted, changes nothing.
    """
    matches = _distinct(await due(tx, received))
    if not matches:
        return
    columns = (
        [one.resume_id for one in matches],
        [one.vacancy_id for one in matches],
        [one.position for one in matches],
    )
    gone = {(r.resume_id, r.vacancy_id) for r in await tx.exec_driver_sql(_WITHDRAWN, columns)}
    matches = [one for one in matches if one.pair not in gone]
    readers = await _readers(tx, matches)
    rows = await tx.exec_driver_sql(_COUNTED, columns)
    counted = {(row.user_id, row.side, row.resume_id, row.vacancy_id) for row in rows}
    groups: dict[_Place, list[_Match]] = {}
    for one in matches:
        for user_id, side in readers[one.pair]:
            if (user_id, side, *one.pair) not in counted:
                groups.setdefault((user_id, side, one.about(side)), []).append(one)
    if groups:
        await _count(tx, groups)


def _distinct(received: Sequence[Received[RecommendationCreated]]) -> list[_Match]:
    """The last event of each pair."""
    found: dict[tuple[UUID, UUID], _Match] = {}
    for one in received:
        event = one.event
        match = _Match(
            event.resume_id,
            event.vacancy_id,
            event.company_id,
            event.user_id,
            one.order or 0,
            one,
        )
        before = found.get(match.pair)
        if before is None or before.position <= match.position:
            found[match.pair] = match
    return list(found.values())


async def _readers(
    tx: Tx, matches: Sequence[_Match]
) -> Mapping[tuple[UUID, UUID], list[tuple[UUID, Side]]]:
    """Who gets a notice of each match. Locks their rows."""
    companies = list({one.company_id for one in matches})
    employers: dict[UUID, list[UUID]] = {}
    for row in await tx.exec_driver_sql(_COMPANIES, (companies,)):
        employers.setdefault(row.company_id, []).append(row.user_id)
    free = set(await met(tx, {one.applicant_id for one in matches}))
    readers: dict[tuple[UUID, UUID], list[tuple[UUID, Side]]] = {}
    for one in matches:
        company = employers.get(one.company_id, ())
        found = readers[one.pair] = [(id, "employer") for id in company if id != one.applicant_id]
        if one.applicant_id in free:
            found.append((one.applicant_id, "applicant"))
    return readers


async def _count(tx: Tx, groups: Mapping[_Place, Sequence[_Match]]) -> None:
    lines, causes = [], dict[UUID, Received[Any]]()
    for (user_id, side, about), matches in groups.items():
        id, first, is_one = new_id(), matches[0], len(matches) == 1
        causes[id] = first.cause
        is_of_vacancy, is_of_resume = side == "employer", side == "applicant"
        lines.append(
            (
                id,
                user_id,
                GROUPS[side],
                side,
                first.cause.original_id,
                recorded_at(first.cause),
                len(matches),
                about,
                first.vacancy_id if is_of_vacancy or is_one else None,
                first.company_id if is_of_vacancy or is_one else None,
                first.resume_id if is_of_resume or is_one else None,
            )
        )
    rows = (await tx.exec_driver_sql(_COUNT, tuple(map(list, zip(*lines, strict=True))))).all()
    notices = {(row.user_id, row.kind, row.about_id): row.id for row in rows}
    added = [
        (notices[user_id, GROUPS[side], about], one.vacancy_id, one.resume_id, one.position)
        for (user_id, side, about), matches in groups.items()
        for one in matches
    ]
    await tx.exec_driver_sql(_ADD, tuple(map(list, zip(*added, strict=True))))
    held = await restoring.held(tx, [one.cause for its in groups.values() for one in its])
    old = {
        notices[user_id, GROUPS[side], about]
        for (user_id, side, about), matches in groups.items()
        if all(one.cause.id in held for one in matches)
    }
    for kind in GROUPS.values():
        await plan(tx, kind, [row.id for row in rows if row.kind == kind and row.id not in old])
    await hold_back(tx, list(old))
    for row in rows:
        if row.id in causes:  # a new one
            announce(tx, causes[row.id], row.kind, row.at, [(row.id, row.user_id)])


async def withdraw(tx: Tx, received: Received[Any], resume_id: UUID, vacancy_id: UUID) -> None:
    """Take a match out of the notices that count it. One without a match left is not shown."""
    order = received.order
    if order is not None and await due(tx, [received]):
        await tx.exec_driver_sql(_WITHDRAW, (resume_id, vacancy_id, order, now()))
    await tx.exec_driver_sql(_TAKE_BACK, (resume_id, vacancy_id, now(), order))


async def forget_old(tx: Tx) -> None:
    """Delete withdrawals that no older event can follow any more."""
    await tx.exec_driver_sql("delete from withdrawn_match where at <= $1", (now() - KEPT,))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Take all matches of a person's resumes out of the notices that count them, and delete which
    were withdrawn; returns how many records.

    The events that withdraw them have no effect any more: they are about an erased person.
    """
    changed = await tx.exec_driver_sql(_ERASE, (user_id, now()))
    gone = await tx.exec_driver_sql(
        "delete from withdrawn_match where resume_id in (select id from resume where user_id = $1)",
        (user_id,),
    )
    return changed.rowcount + gone.rowcount
