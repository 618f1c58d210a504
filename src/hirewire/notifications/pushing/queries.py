"""Queries for the devices of a person, and for what is to be pushed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx
from hirewire.notifications.tables import push_device


@dataclass(frozen=True, slots=True)
class Due:
    """A push that is due, with what its notice is about now."""

    notice_id: UUID
    changes: int
    queued_at: datetime
    kind: str
    side: str
    count: int
    detail: str | None
    at: datetime
    is_void: bool
    """Whether the notice was read or withdrawn, or the person is blocked."""
    vacancy_title: str | None
    company_name: str | None
    wish: bool | None
    """Whether the person wants pushes of this kind; None: they have not chosen."""
    language: str | None
    time_zone: str | None
    quiet_from: int | None
    quiet_until: int | None


_DUE = """
select p.notice_id, p.changes, p.queued_at, n.kind, n.side, n.count, n.detail, n.at,
    n.read_at is not null or n.withdrawn_at is not null or person.is_blocked as is_void,
    v.title as vacancy_title, c.name as company_name, w.push as wish,
    person.language, person.time_zone, person.quiet_from, person.quiet_until
from push p
join push_device d on d.id = p.device_id
join person on person.user_id = d.user_id
join notice n on n.id = p.notice_id and n.user_id = d.user_id
left join vacancy v on v.id = n.vacancy_id
left join company c on c.id = n.company_id
left join preference w on w.user_id = d.user_id and w.kind = n.kind
where p.device_id = $1 and d.attempt = $2 and p.due_at <= $3
order by p.due_at, p.notice_id limit 1
"""


async def devices(tx: Tx, user_id: UUID) -> list[Row[Any]]:
    """A person's devices, the newest first."""
    its = push_device.c
    rows = await tx.execute(
        select(push_device)
        .where(its.user_id == user_id)
        .order_by(its.created_at.desc(), its.id.desc())
    )
    return list(rows)


async def next_due(tx: Tx, device_id: UUID, attempt: int) -> Due | None:
    """The next push to a device, with the state of now; None without any, or if another process
    has claimed the device since.
    """
    found = (await tx.exec_driver_sql(_DUE, (device_id, attempt, now()))).first()
    return Due(**found._mapping) if found else None
