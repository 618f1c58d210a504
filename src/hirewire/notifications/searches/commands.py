"""Commands that count what saved searches have found in notices, and take it back.

A person has one unread notice of a search with a count; once it is read, the next vacancy begins
another one. A vacancy that was in a notice that is read is not counted again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from hirewire.contracts.vacancies import SearchMatched, SearchMatchWithdrawn
from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.notifications import restoring
from hirewire.notifications.kinds import Kind
from hirewire.notifications.making import KEPT, announce, due, met, recorded_at
from hirewire.notifications.planning import hold_back, plan

KIND: Kind = "saved_search"
NO_NEWS = timedelta(days=30)
"""How long a vacancy that was taken back and returns with the same title is not mailed again."""
EVERY = UUID(int=0)
"""Stands for all vacancies of a search whose alerts were ended."""
_FIND = """
insert into found_vacancy as f (search_id, vacancy_id, user_id, position, at)
select u.search_id, u.vacancy_id, u.user_id, u.position, $5
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[])
    as u(search_id, vacancy_id, user_id, position)
where not exists (
    select from found_vacancy t
    where t.search_id = u.search_id and t.vacancy_id = $6 and t.position > u.position
)
order by u.search_id, u.vacancy_id
on conflict (search_id, vacancy_id) do update set position = excluded.position, at = excluded.at
    where f.position < excluded.position
returning search_id, vacancy_id, notice_id, coalesce(f.notified_at > $7 and f.notified_title
    is not distinct from (select title from vacancy v where v.id = f.vacancy_id), false) as is_known
"""
_COUNT = """
insert into notice as n (id, user_id, kind, side, event_id, at, count, about_id, vacancy_id,
    company_id)
select u.id, u.user_id, $1, 'applicant', u.event_id, u.at, u.count, u.about_id, u.vacancy_id,
    u.company_id
from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::integer[], $7::uuid[],
        $8::uuid[], $9::uuid[])
    as u(id, user_id, event_id, at, count, about_id, vacancy_id, company_id)
order by u.user_id, u.about_id
on conflict (user_id, kind, about_id)
    where about_id is not null and read_at is null and withdrawn_at is null
do update set count = n.count + excluded.count, vacancy_id = null, company_id = null
returning id, user_id, about_id, at
"""
_ADD = """
update found_vacancy f set notice_id = n.id, mails = case when u.is_known then -1 else n.mails end
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[])
    as u(search_id, vacancy_id, notice_id, is_known)
join notice n on n.id = u.notice_id
where f.search_id = u.search_id and f.vacancy_id = u.vacancy_id
"""
_LOSE = """
insert into found_vacancy as f (search_id, vacancy_id, user_id, position, at)
select u.search_id, u.vacancy_id, u.user_id, u.position, $5
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[])
    as u(search_id, vacancy_id, user_id, position)
join person p using (user_id)
order by u.search_id, u.vacancy_id
on conflict (search_id, vacancy_id) do update set position = excluded.position
    where f.position < excluded.position
returning search_id, vacancy_id, notice_id
"""
_NOTIFIED = "f.mails >= 0 and (n.mails > f.mails or n.pushed_at > f.at)"
_TAKE_BACK = f"""
with gone as (
    update found_vacancy f set notice_id = null,
        notified_at = case when {_NOTIFIED} then greatest(n.mailed_at, n.pushed_at, f.notified_at)
            else f.notified_at end,
        notified_title = case when {_NOTIFIED}
            then (select title from vacancy v where v.id = f.vacancy_id)
            else f.notified_title end
    from unnest($1::uuid[], $2::uuid[]) as u(search_id, vacancy_id), notice n
    where f.search_id = u.search_id and f.vacancy_id = u.vacancy_id
        and n.id = f.notice_id and n.read_at is null
    returning n.id
), lost as (select id, count(*) as count from gone group by id)
update notice n set count = n.count - lost.count,
    withdrawn_at = case when n.count <= lost.count then $3 else n.withdrawn_at end
from lost where n.id = lost.id and n.read_at is null
"""  # noqa: S608  (a constant)
_END = """
update notice set withdrawn_at = $3
where kind = $1 and about_id = any($2::uuid[]) and read_at is null and withdrawn_at is null
"""
_FORGET_SEARCHES = """
delete from found_vacancy where search_id = any($1::uuid[]) and vacancy_id <> $2
"""
_FORGET = "delete from found_vacancy where at <= $1"


@dataclass(frozen=True, slots=True)
class _Find:
    search_id: UUID
    vacancy_id: UUID
    user_id: UUID
    position: int
    """The number of the event among those of the person; 0 without one."""
    cause: Received[Any]

    @property
    def pair(self) -> tuple[UUID, UUID]:
        return self.search_id, self.vacancy_id


async def count(tx: Tx, received: Sequence[Received[SearchMatched]]) -> None:
    """Count vacancies in the notices of the searches that found them. Records `NoticeCreated` for
    each new notice. What is counted, or was taken back later, changes nothing.
    """
    finds = _latest(
        _Find(search, one.event.vacancy_id, one.event.user_id, one.order or 0, one)
        for one in await due(tx, received)
        for search in one.event.search_ids
    )
    if not finds:
        return
    free = set(await met(tx, {one.user_id for one in finds.values()}))
    chosen = [one for one in finds.values() if one.user_id in free]
    moment = now()
    values = (*_columns(chosen), moment, EVERY, moment - NO_NEWS)
    rows = await tx.exec_driver_sql(_FIND, values)
    groups: dict[tuple[UUID, UUID], list[_Find]] = {}
    known = set[tuple[UUID, UUID]]()
    for row in rows:
        if row.notice_id is None:
            one = finds[row.search_id, row.vacancy_id]
            if row.is_known:
                known.add(one.pair)
            groups.setdefault((one.user_id, one.search_id), []).append(one)
    if groups:
        await _count(tx, groups, known)


async def _count(
    tx: Tx,
    groups: Mapping[tuple[UUID, UUID], Sequence[_Find]],
    known: Collection[tuple[UUID, UUID]],
) -> None:
    lines, causes = [], dict[UUID, Received[Any]]()
    for (user_id, search_id), finds in groups.items():
        id, first = new_id(), finds[0]
        causes[id] = first.cause
        alone = first.cause.event if len(finds) == 1 else None
        lines.append(
            (
                id,
                user_id,
                first.cause.original_id,
                recorded_at(first.cause),
                len(finds),
                search_id,
                alone.vacancy_id if alone else None,
                alone.company_id if alone else None,
            )
        )
    columns = map(list, zip(*lines, strict=True))
    rows = (await tx.exec_driver_sql(_COUNT, (KIND, *columns))).all()
    notices = {(row.user_id, row.about_id): row.id for row in rows}
    added = [
        (one.search_id, one.vacancy_id, notices[place], one.pair in known)
        for place, finds in groups.items()
        for one in finds
    ]
    await tx.exec_driver_sql(_ADD, tuple(map(list, zip(*added, strict=True))))
    held = await restoring.held(tx, [one.cause for its in groups.values() for one in its])
    old = {
        notices[place]
        for place, finds in groups.items()
        if all(one.cause.id in held for one in finds)
    }
    news = {
        notices[place]
        for place, finds in groups.items()
        if any(one.pair not in known for one in finds)
    }
    await plan(tx, KIND, [row.id for row in rows if row.id in news - old])
    await hold_back(tx, list(old))
    for row in rows:
        if row.id in causes:  # a new one
            announce(tx, causes[row.id], KIND, row.at, [(row.id, row.user_id)])


async def withdraw(tx: Tx, received: Sequence[Received[SearchMatchWithdrawn]]) -> None:
    """Take vacancies out of the unread notices that count them, or all of a search.

    A notice that counts none is not shown.
    """
    finds = _latest(
        _Find(search, one.event.vacancy_id or EVERY, one.event.user_id, one.order or 0, one)
        for one in received
        for search in one.event.search_ids
    )
    rows = (await tx.exec_driver_sql(_LOSE, (*_columns(finds.values()), now()))).all()
    if rows:
        pairs = [(row.search_id, row.vacancy_id) for row in rows]
        await tx.exec_driver_sql(_TAKE_BACK, (*map(list, zip(*pairs, strict=True)), now()))
    if ended := [row.search_id for row in rows if row.vacancy_id == EVERY]:
        await tx.exec_driver_sql(_END, (KIND, ended, now()))
        await tx.exec_driver_sql(_FORGET_SEARCHES, (ended, EVERY))


def _latest(finds: Iterable[_Find]) -> dict[tuple[UUID, UUID], _Find]:
    """The last event of each search and vacancy."""
    latest: dict[tuple[UUID, UUID], _Find] = {}
    for one in finds:
        before = latest.get((one.search_id, one.vacancy_id))
        if before is None or before.position <= one.position:
            latest[one.search_id, one.vacancy_id] = one
    return latest


def _columns(
    finds: Iterable[_Find],
) -> tuple[list[UUID], list[UUID], list[UUID], list[int]]:
    chosen = list(finds)
    return (
        [one.search_id for one in chosen],
        [one.vacancy_id for one in chosen],
        [one.user_id for one in chosen],
        [one.position for one in chosen],
    )


async def forget_old(tx: Tx) -> None:
    """Delete what no notice counts any more."""
    await tx.exec_driver_sql(_FORGET, (now() - KEPT,))
