"""Entering deliveries into the queue, and sending dead ones again.

Deliveries of a webhook with the same key form a lane, and only the first of a lane is sent. A lane
is a row as long as something in it waits. Whoever enters deliveries and whoever resolves one lock
the lane, so none is left behind.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.messaging.background import Wake
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx, after_commit
from hirewire.notifications.webhooks.queries import ACTIVE
from hirewire.notifications.webhooks.rules import LEASE

wake = Wake()
"""Wakes the sender of this process."""

_RECEIVERS = f"""
select w.id, w.company_id, w.created_at from webhook w
where w.is_on and $1 = any(w.events) and (w.company_id is null or w.company_id = any($2::uuid[]))
    and {ACTIVE}
order by w.id for key share of w
"""  # noqa: S608  (a constant)
_ENTER = """
insert into webhook_delivery (id, webhook_id, event_id, type, key, position, at, subject_id, body)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
    $7::timestamptz[], $8::uuid[], $9::text[])
on conflict (webhook_id, event_id) do nothing returning id, webhook_id, event_id, key
"""
_LANES = """
insert into webhook_lane as l (webhook_id, key, next_attempt_at)
select webhook_id, key, $3 from unnest($1::uuid[], $2::text[]) as u(webhook_id, key)
group by webhook_id, key order by webhook_id, key
on conflict (webhook_id, key) do update set next_attempt_at =
    case when l.next_attempt_at > $4 then excluded.next_attempt_at else l.next_attempt_at end
"""
_REPLAY = """
update webhook_delivery set state = 'waiting', attempts = 0, ended_at = null
where webhook_id = $1 and state = 'dead' and ($2::uuid is null or id = $2)
returning webhook_id, key
"""
_LOCK_ALL_LANES = "select from webhook_lane order by webhook_id, key for update"
_ALL_WAITING = "select id from webhook_delivery where state = 'waiting' for update"
_KILL = """
update webhook_delivery set state = 'dead', ended_at = $2 where id = any($1::uuid[])
"""
_SAY_WHY = """
insert into webhook_attempt (id, delivery_id, at, seconds, url, error)
select u.id, d.id, $3, 0, w.url, $4
from unnest($1::uuid[], $2::uuid[]) as u(id, delivery_id)
join webhook_delivery d on d.id = u.delivery_id join webhook w on w.id = d.webhook_id
"""
HELD_BACK = "held_back: it may have been sent before the board was restored from a backup"
_HURRY = """
update webhook_lane set next_attempt_at = $2 where webhook_id = $1 and next_attempt_at > $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A delivery to be entered."""

    webhook_id: UUID
    event_id: UUID
    type: str
    key: str
    position: int
    at: datetime
    subject_id: UUID | None
    body: str


@dataclass(frozen=True, slots=True)
class Receiver:
    """A webhook that an event may concern."""

    id: UUID
    company_id: UUID | None
    created_at: datetime


async def receivers(tx: Tx, type: str, companies: Iterable[UUID]) -> list[Receiver]:
    """The webhooks for this event, of the board and of these companies. They cannot be deleted
    before the commit.
    """
    rows = await tx.exec_driver_sql(_RECEIVERS, (type, list(set(companies))))
    return [Receiver(row.id, row.company_id, row.created_at) for row in rows]


async def enter(tx: Tx, entries: Sequence[Entry], held: Collection[UUID] = frozenset()) -> None:
    """Enter deliveries, each once for its webhook and event. They are sent after the commit, but
    those of the events `held` only if somebody sends them again.
    """
    if not entries:
        return
    columns = zip(
        *(
            (
                new_id(),
                one.webhook_id,
                one.event_id,
                one.type,
                one.key,
                one.position,
                one.at,
                one.subject_id,
                one.body,
            )
            for one in entries
        ),
        strict=True,
    )
    rows = (await tx.exec_driver_sql(_ENTER, tuple(map(list, columns)))).all()
    await _hold(tx, [row.id for row in rows if row.event_id in held])
    lanes = [(row.webhook_id, row.key) for row in rows if row.event_id not in held]
    await _open_lanes(tx, lanes, later_than=None)


async def _open_lanes(
    tx: Tx, lanes: Sequence[tuple[UUID, str]], *, later_than: datetime | None
) -> None:
    """Have something wait in these lanes. A lane whose next attempt is later than this is due."""
    if lanes:
        webhooks, keys = zip(*lanes, strict=True)
        await tx.exec_driver_sql(_LANES, (list(webhooks), list(keys), now(), later_than))
        after_commit(tx, wake)


async def replay(tx: Tx, webhook_id: UUID, id: UUID | None = None) -> int:
    """Send dead deliveries again, one or all, with all their attempts; returns how many.

    Each takes its place in the order of its key among those that wait.
    """
    rows = await tx.exec_driver_sql(_REPLAY, (webhook_id, id))
    lanes = [(row.webhook_id, row.key) for row in rows]
    await _open_lanes(tx, lanes, later_than=now() + LEASE)
    return len(lanes)


async def _hold(tx: Tx, ids: Sequence[UUID]) -> None:
    """Make these deliveries dead, which say why."""
    if ids:
        moment = now()
        await tx.exec_driver_sql(_KILL, (list(ids), moment))
        await tx.exec_driver_sql(_SAY_WHY, ([new_id() for _ in ids], list(ids), moment, HELD_BACK))


async def hold_waiting(tx: Tx) -> int:
    """Make all deliveries dead that wait, after the database was restored; returns how many."""
    await tx.exec_driver_sql(_LOCK_ALL_LANES)
    found = (await tx.exec_driver_sql(_ALL_WAITING)).scalars().all()
    await _hold(tx, found)
    await tx.exec_driver_sql("delete from webhook_lane")
    return len(found)


async def hurry(tx: Tx, webhook_id: UUID) -> None:
    """Try at once what waits for its next attempt. What is being sent stays claimed."""
    moment = now()
    await tx.exec_driver_sql(_HURRY, (webhook_id, moment, moment + LEASE))
    after_commit(tx, wake)
