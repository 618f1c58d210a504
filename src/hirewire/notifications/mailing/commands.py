"""Commands that queue mails about what is due. What they say is decided when they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.time_zones import zone_of
from hirewire.messaging.transaction import Tx
from hirewire.notifications.kinds import DEFAULTS, FOR_CALENDARS, MOVED
from hirewire.notifications.mailing import rules
from hirewire.notifications.mailing.rules import Mailed, Reader

KIND = "notices"
AT_ONCE = 500
"""The number of plans that are looked at in one transaction."""

_CLAIM = """
select p.user_id, p.time_zone, p.quiet_from, p.quiet_until, p.mailed_at,
    p.email is not null and p.is_verified and not p.is_blocked and p.mail_stopped_at is null
        as can_be_mailed,
    exists (select from kit.mail m
        where m.user_id = p.user_id and m.kind = $3 and m.state = 'queued') as is_waited_for
from person p
where p.user_id in (
    select user_id from mail_plan where due_at <= $1 order by due_at limit $2
) for no key update of p skip locked
"""
_TAKE = "delete from mail_plan where user_id = any($1::uuid[])"
_FORGET = """
update notice set mail_since = null where id in (
    select id from notice
    where user_id = any($1::uuid[]) and mail_since is not null
        and (read_at is not null and kind <> all($3::text[]) and detail is distinct from $4
                and (kind <> 'interview_declined' or starts_at is null)
            or withdrawn_at is not null or user_id = any($2::uuid[]))
    for update skip locked
)
"""
_WAITING = """
select n.user_id, n.kind, f.mail, min(n.mail_since) as since
from notice n left join preference f on f.user_id = n.user_id and f.kind = n.kind
where n.user_id = any($1::uuid[]) and n.mail_since is not null
group by n.user_id, n.kind, f.mail
"""
_OFF = """
update notice set mail_since = null where id in (
    select n.id from unnest($1::uuid[], $2::text[]) as u(user_id, kind)
    join notice n on n.user_id = u.user_id and n.kind = u.kind
    where n.mail_since is not null for update of n skip locked
)
"""
_CHOOSE = """
select n.id, n.user_id, n.event_id, n.kind, n.about_id, n.mails, n.count as counted
from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as u(user_id, kind, until)
join notice n on n.user_id = u.user_id and n.kind = u.kind
where n.mail_since < u.until
for update of n skip locked
"""
_IN_MAILS = """
update notice n set mail_id = u.mail_id, mailed_at = $3, mail_since = null, mails = n.mails + 1,
    mailed_before = n.mailed_count, mailed_count = n.count
from unnest($1::uuid[], $2::uuid[]) as u(id, mail_id) where n.id = u.id
"""
_MAILED = "update person set mailed_at = $2 where user_id = any($1::uuid[])"
_LATER = """
insert into mail_plan (user_id, due_at) select * from unnest($1::uuid[], $2::timestamptz[])
"""


@dataclass(frozen=True, slots=True)
class _Due:
    user_id: UUID
    kind: str
    until: datetime


async def queue_due(tx: Tx) -> bool:
    """Queue the mails of some people with something due. True if there may be more.

    The row of each is locked, so nobody gets two mails from two workers. Rows of notices that
    others are changing are passed over: those plan again in the same transaction.
    """
    moment = now()
    people = (await tx.exec_driver_sql(_CLAIM, (moment, AT_ONCE, KIND))).all()
    if not people:
        return False
    await tx.exec_driver_sql(_TAKE, ([one.user_id for one in people],))
    # Whose last mail is not sent yet gets one more when it is: there is no heap of old mails after
    # the server was away.
    later = {one.user_id: moment + rules.BURST for one in people if one.is_waited_for}
    people = [one for one in people if not one.is_waited_for]
    later |= await _queue(tx, people, moment)
    if later:
        await tx.exec_driver_sql(_LATER, (list(later), list(later.values())))
    return True


async def _queue(tx: Tx, people: Sequence[Row[Any]], moment: datetime) -> dict[UUID, datetime]:
    """Queue the mails of people; returns when to look again at whose notices."""
    ids = [one.user_id for one in people]
    unreachable = [one.user_id for one in people if not one.can_be_mailed]
    await tx.exec_driver_sql(_FORGET, (ids, unreachable, list(FOR_CALENDARS), MOVED))
    readers = {one.user_id: _reader(one) for one in people}
    off, chosen, rest = list[tuple[UUID, str]](), list[_Due](), list[Row[Any]]()
    for row in await tx.exec_driver_sql(_WAITING, (ids,)):
        every = row.mail or _default(row.kind)
        until = rules.due(readers[row.user_id], every, moment) if every != "off" else None
        if every == "off":
            off.append((row.user_id, row.kind))
        elif until is not None and row.since < until:
            chosen.append(_Due(row.user_id, row.kind, until))
        else:
            rest.append(row)
    if off:
        await tx.exec_driver_sql(_OFF, tuple(map(list, zip(*off, strict=True))))
    mailed = await _choose(tx, chosen, moment)
    later: dict[UUID, datetime] = {}
    for row in rest:
        reader = readers[row.user_id]
        if row.user_id in mailed:
            reader = Reader(reader.zone, reader.quiet, moment)
        at = rules.next_time(reader, row.mail or _default(row.kind), moment)
        later[row.user_id] = min(at, later.get(row.user_id, at))
    return later


async def _choose(tx: Tx, chosen: Sequence[_Due], moment: datetime) -> set[UUID]:
    """Queue mails about these notices; returns to whom."""
    if not chosen:
        return set()
    rows = await tx.exec_driver_sql(
        _CHOOSE,
        (
            [one.user_id for one in chosen],
            [one.kind for one in chosen],
            [one.until for one in chosen],
        ),
    )
    readers: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        readers.setdefault(row.user_id, []).append(row)
    mails = {user_id: rules.mail_id(user_id, map(_mailed, its)) for user_id, its in readers.items()}
    ids = [(row.id, mails[row.user_id]) for its in readers.values() for row in its]
    if ids:
        await tx.exec_driver_sql(_IN_MAILS, (*map(list, zip(*ids, strict=True)), moment))
    await queue.enter(tx, KIND, [(mail_id, user_id) for user_id, mail_id in mails.items()])
    await tx.exec_driver_sql(_MAILED, (list(mails), moment))
    return set(mails)


def _mailed(row: Row[Any]) -> Mailed:
    return Mailed(row.event_id, row.kind, row.about_id, row.mails, row.counted)


def _default(kind: str) -> str:
    """A kind of a later version, whose notices are still here, is not mailed."""
    return next((one.mail for name, one in DEFAULTS.items() if name == kind), "off")


def _reader(row: Row[Any]) -> Reader:
    quiet = (row.quiet_from, row.quiet_until) if row.quiet_from is not None else None
    return Reader(zone_of(row.time_zone), quiet, row.mailed_at)


async def sweep(tx: Tx) -> None:
    """Plan for people whose notices wait without a plan. Nobody's should."""
    await tx.exec_driver_sql(
        "insert into mail_plan (user_id, due_at) "
        "select distinct n.user_id, $1::timestamptz from notice n where n.mail_since is not null "
        "and not exists (select from mail_plan d where d.user_id = n.user_id)",
        (now(),),
    )
