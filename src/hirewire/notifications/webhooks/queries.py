"""Reading webhooks and their deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.engine import Row

from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx
from hirewire.notifications.tables import webhook, webhook_attempt, webhook_delivery

ACTIVE = """
(w.company_id is null or exists (
    select from employer e join person p using (user_id)
    where e.company_id = w.company_id and not p.is_blocked))
"""
"""Somebody acts for the company who is not blocked."""
MOST_COUNTED = 1000
_LISTED = f"""
select w.id, w.company_id, w.url, w.events, w.created_at, w.is_on, w.off_at, w.off_reason,
    w.failures, w.failing_since,
    (select count(*) from (select from webhook_delivery where webhook_id = w.id
        and state = 'waiting' limit {MOST_COUNTED}) one) as waiting,
    (select count(*) from (select from webhook_delivery where webhook_id = w.id
        and state = 'dead' limit {MOST_COUNTED}) one) as dead,
    (select max(expires_at) from webhook_secret s
        where s.webhook_id = w.id and s.expires_at > $1) as old_secret_until
from webhook w
"""  # noqa: S608  (constants)
_DELIVERIES = """
select d.id, d.event_id, d.type, d.key, d.at, d.state, d.attempts, d.ended_at,
    a.at as last_at, a.status as last_status, a.error as last_error,
    case when d.state = 'waiting' and l.claim is not null and f.id = d.id
        then l.next_attempt_at end as next_attempt_at
from webhook_delivery d
left join lateral (
    select at, status, error from webhook_attempt where delivery_id = d.id order by id desc limit 1
) a on true
left join webhook_lane l on d.state = 'waiting' and l.webhook_id = d.webhook_id and l.key = d.key
left join lateral (
    select id from webhook_delivery where webhook_id = d.webhook_id and key = d.key
    and state = 'waiting' order by position, id limit 1
) f on d.state = 'waiting'
where d.webhook_id = $1 and ($2::text is null or d.state = $2) and ($3::uuid is null or d.id < $3)
order by d.id desc limit $4
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A webhook with what there is to know about it."""

    id: UUID
    company_id: UUID | None
    url: str
    events: Sequence[str]
    created_at: datetime
    is_on: bool
    off_at: datetime | None
    off_reason: str | None
    failures: int
    failing_since: datetime | None
    waiting: int
    """At most `MOST_COUNTED`, as of `dead`."""
    dead: int
    old_secret_until: datetime | None


async def of_owner(tx: Tx, company_id: UUID | None) -> list[Listed]:
    """The webhooks of a company, or of the board, the oldest first."""
    rows = await tx.exec_driver_sql(
        f"{_LISTED} where w.company_id is not distinct from $2 order by w.id", (now(), company_id)
    )
    return [Listed(**row._mapping) for row in rows]


async def by_id(tx: Tx, id: UUID) -> Listed | None:
    """A webhook of anybody."""
    row = (await tx.exec_driver_sql(f"{_LISTED} where w.id = $2", (now(), id))).first()
    return None if row is None else Listed(**row._mapping)


async def owner_of(tx: Tx, id: UUID) -> tuple[UUID | None] | None:
    """Whose a webhook is: the company, or None in a tuple for the board's. None: there is none."""
    found = await tx.execute(select(webhook.c.company_id).where(webhook.c.id == id))
    row = found.first()
    return None if row is None else (row.company_id,)


async def deliveries(
    tx: Tx, webhook_id: UUID, *, state: str | None, after: UUID | None, limit: int
) -> Sequence[Row[tuple[object, ...]]]:
    """The newest deliveries of a webhook."""
    return (await tx.exec_driver_sql(_DELIVERIES, (webhook_id, state, after, limit))).all()


async def delivery(tx: Tx, webhook_id: UUID, id: UUID) -> Row[tuple[object, ...]] | None:
    """One delivery of a webhook, with its body."""
    its = webhook_delivery.c
    found = await tx.execute(
        select(webhook_delivery).where(its.id == id, its.webhook_id == webhook_id)
    )
    return found.first()


async def attempts(tx: Tx, delivery_id: UUID) -> Sequence[Row[tuple[object, ...]]]:
    """The latest attempts of a delivery, the newest first."""
    its = webhook_attempt.c
    found = await tx.execute(
        select(webhook_attempt)
        .where(its.delivery_id == delivery_id)
        .order_by(its.id.desc())
        .limit(50)
    )
    return found.all()


async def count_of(tx: Tx, company_id: UUID | None) -> int:
    """How many webhooks an owner has."""
    found = await tx.execute(
        select(func.count())
        .select_from(webhook)
        .where(webhook.c.company_id.is_not_distinct_from(company_id))
    )
    return found.scalar_one()
