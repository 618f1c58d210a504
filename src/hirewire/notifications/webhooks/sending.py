"""Claiming deliveries, and noting what became of each attempt.

A claimed lane is left to its process for a lease. A process that was killed leaves it to others,
who send the same delivery again, with the same id.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.kit.secrets import CannotOpen, unseal
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.notifications.webhooks.queries import ACTIVE
from hirewire.notifications.webhooks.rules import LEASE, PURPOSE, OffReason, is_too_long

SHOWN = 16 * 1024
"""Characters of a request that are kept once it was delivered."""
PER_WEBHOOK = 4
"""Requests that a process sends to a webhook at the same time; one, while it fails."""

State: TypeAlias = Literal["waiting", "delivered", "dead"]

_CLAIM = f"""
with due as (
    select w.id, w.failures > 0 as failing, l.key, l.next_attempt_at,
        row_number() over (partition by w.id order by l.next_attempt_at) as nth
    from webhook w
    left join unnest($3::uuid[], $4::integer[]) as sending(id, count) on sending.id = w.id
    cross join lateral (
        select key, next_attempt_at from webhook_lane
        where webhook_id = w.id and next_attempt_at <= $1
        order by next_attempt_at
        limit greatest(
            case when w.failures > 0 then 1 else $5::integer end - coalesce(sending.count, 0), 0)
        for update skip locked
    ) l
    where w.is_on and (w.not_before is null or w.not_before <= $1) and {ACTIVE}
), chosen as (
    select id, key,
        row_number() over (partition by failing order by nth, next_attempt_at) as place, failing
    from due
)
update webhook_lane l set next_attempt_at = $2, claim = l.claim + 1
from chosen c
where l.webhook_id = c.id and l.key = c.key
    and c.place <= case when c.failing then $7::integer else $6::integer end
returning l.webhook_id, l.key, l.claim
"""  # noqa: S608  (a constant)
_FIRST = """
select l.webhook_id, l.key, l.claim, w.url, w.failures > 0 as is_failing,
    d.id, d.event_id, d.type, d.body, d.attempts
from unnest($1::uuid[], $2::text[], $3::bigint[]) as l(webhook_id, key, claim)
join webhook w on w.id = l.webhook_id
left join lateral (
    select id, event_id, type, body, attempts from webhook_delivery
    where webhook_id = l.webhook_id and key = l.key and state = 'waiting'
    order by position, id limit 1
) d on true
"""
_SECRETS = """
select webhook_id, secret from webhook_secret
where webhook_id = any($1::uuid[]) and (expires_at is null or expires_at > $2)
order by created_at desc
"""
_LOCK_LANES = """
select l.webhook_id, l.key from webhook_lane l
join unnest($1::uuid[], $2::text[], $3::bigint[]) as u(webhook_id, key, claim)
    on l.webhook_id = u.webhook_id and l.key = u.key and l.claim = u.claim
order by l.webhook_id, l.key for update of l
"""
_TRIED = """
insert into webhook_attempt
    (id, delivery_id, at, seconds, url, status, error, headers, answer, is_cut)
select u.id, d.id, u.at, u.seconds, u.url, u.status, u.error, u.headers::jsonb, u.answer, u.is_cut
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::float8[], $5::text[], $6::integer[],
    $7::text[], $8::text[], $9::text[], $10::boolean[])
    as u(id, delivery_id, at, seconds, url, status, error, headers, answer, is_cut)
join webhook_delivery d on d.id = u.delivery_id
"""
_RESOLVE = """
update webhook_delivery d set attempts = d.attempts + 1, state = u.state,
    ended_at = case when u.state <> 'waiting' then $3::timestamptz end,
    is_cut = d.is_cut or (u.state = 'delivered' and length(d.body) > $4),
    body = case when u.state = 'delivered' then left(d.body, $4) else d.body end
from unnest($1::uuid[], $2::text[]) as u(id, state)
where d.id = u.id and d.state = 'waiting'
"""
_NEXT = """
update webhook_lane l set next_attempt_at = u.at
from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as u(webhook_id, key, at)
where l.webhook_id = u.webhook_id and l.key = u.key
"""
_END_LANES = """
delete from webhook_lane l using unnest($1::uuid[], $2::text[]) as u(webhook_id, key)
where l.webhook_id = u.webhook_id and l.key = u.key and not exists (
    select from webhook_delivery d
    where d.webhook_id = l.webhook_id and d.key = l.key and d.state = 'waiting')
"""
_LOCK_WEBHOOKS = """
select id, url, failures, failing_since from webhook where id = any($1::uuid[])
order by id for no key update
"""
_HEALTH = """
update webhook set failures = $2, failing_since = $3, not_before = $4,
    is_on = is_on and $5::text is null,
    off_at = case when is_on and $5::text is not null then $6 else off_at end,
    off_reason = case when is_on then $5::text else off_reason end
where id = $1 returning company_id, url, is_on, off_at = $6 as is_new
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process may send now."""

    webhook_id: UUID
    key: str
    claim: int
    """Only the latest claim of a lane can resolve."""
    url: str
    is_failing: bool
    """Whether the last attempt to this webhook has failed."""
    id: UUID
    event_id: UUID
    type: str
    body: str
    attempts: int
    """Before this one."""
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt."""

    claimed: Claimed
    state: State
    at: datetime
    seconds: float
    retry_at: datetime | None = None
    """When a delivery that waits is tried again."""
    status: int | None = None
    error: str | None = None
    headers: Mapping[str, str] | None = None
    answer: str | None = None
    is_cut: bool = False
    is_gone: bool = False
    """The receiver wants no more (410)."""
    not_before: datetime | None = None
    """The receiver wants nothing before then (429, 503)."""

    @property
    def lane(self) -> tuple[UUID, str]:
        """The webhook and the key."""
        return self.claimed.webhook_id, self.claimed.key


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A webhook that has just been switched off."""

    id: UUID
    company_id: UUID | None
    url: str
    reason: OffReason


async def claim(
    tx: Tx, sending: Mapping[UUID, int], *, healthy: int, failing: int
) -> list[Claimed]:
    """Claim what is due: each webhook's longest due first, in turns. At most so many of webhooks
    that work, and of those that fail; `sending` is how many are being sent to each.
    """
    moment = now()
    limits = (PER_WEBHOOK, healthy, failing)
    while True:
        rows = await tx.exec_driver_sql(
            _CLAIM, (moment, moment + LEASE, list(sending), list(sending.values()), *limits)
        )
        lanes = [(row.webhook_id, row.key, row.claim) for row in rows]
        if not lanes:
            return []
        if claimed := await _first(tx, lanes, moment):
            return claimed


async def _first(tx: Tx, lanes: Sequence[tuple[UUID, str, int]], moment: datetime) -> list[Claimed]:
    """The first delivery of each lane. A lane of which all was deleted meanwhile ends."""
    found = (await tx.exec_driver_sql(_FIRST, tuple(map(list, zip(*lanes, strict=True))))).all()
    await _end_lanes(tx, [(row.webhook_id, row.key) for row in found if row.id is None])
    webhooks = list({row.webhook_id for row in found})
    secrets: dict[UUID, list[str]] = {}
    for row in await tx.exec_driver_sql(_SECRETS, (webhooks, moment)):
        with suppress(CannotOpen):  # its key is not set any more: only this webhook fails
            secrets.setdefault(row.webhook_id, []).append(unseal(bytes(row.secret), PURPOSE))
    return [
        Claimed(
            row.webhook_id,
            row.key,
            row.claim,
            row.url,
            row.is_failing,
            row.id,
            row.event_id,
            row.type,
            row.body,
            row.attempts,
            tuple(secrets.get(row.webhook_id, ())),
        )
        for row in found
        if row.id is not None
    ]


async def resolve(tx: Tx, outcomes: Sequence[Outcome], off_after_days: float) -> list[SwitchedOff]:
    """Note attempts. Returns the webhooks that were switched off by it.

    Of a lane that was claimed again meanwhile the attempt is noted, and nothing else changes.
    """
    claims = [(*one.lane, one.claimed.claim) for one in outcomes]
    rows = await tx.exec_driver_sql(_LOCK_LANES, tuple(map(list, zip(*claims, strict=True))))
    held = {(row.webhook_id, row.key) for row in rows}
    await _note(tx, outcomes)
    valid = [one for one in outcomes if one.lane in held]
    if not valid:
        return []
    moment = now()
    states = [one.state for one in valid]
    await tx.exec_driver_sql(_RESOLVE, ([one.claimed.id for one in valid], states, moment, SHOWN))
    again = [(*one.lane, one.retry_at or moment) for one in valid]
    await tx.exec_driver_sql(_NEXT, tuple(map(list, zip(*again, strict=True))))
    await _end_lanes(tx, [one.lane for one in valid if one.state != "waiting"])
    return await _judge(tx, valid, off_after_days)


async def _note(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    columns = zip(
        *(
            (
                new_id(),
                one.claimed.id,
                one.at,
                one.seconds,
                one.claimed.url,
                one.status,
                one.error,
                None if one.headers is None else json.dumps(dict(one.headers)),
                one.answer,
                one.is_cut,
            )
            for one in outcomes
        ),
        strict=True,
    )
    await tx.exec_driver_sql(_TRIED, tuple(map(list, columns)))


async def _end_lanes(tx: Tx, lanes: Sequence[tuple[UUID, str]]) -> None:
    """Delete the lanes in which nothing waits. They are locked."""
    if lanes:
        webhooks, keys = zip(*lanes, strict=True)
        await tx.exec_driver_sql(_END_LANES, (list(webhooks), list(keys)))


async def _judge(tx: Tx, outcomes: Sequence[Outcome], off_after_days: float) -> list[SwitchedOff]:
    """Keep how many attempts have failed in a row, and switch off what has failed for days."""
    by_webhook: dict[UUID, list[Outcome]] = {}
    for one in outcomes:
        by_webhook.setdefault(one.claimed.webhook_id, []).append(one)
    moment, off = now(), []
    for row in (await tx.exec_driver_sql(_LOCK_WEBHOOKS, (list(by_webhook),))).all():
        its = [one for one in by_webhook[row.id] if one.claimed.url == row.url]
        if not its or (row.failures == 0 and all(one.state == "delivered" for one in its)):
            continue
        failures, since, not_before = row.failures, row.failing_since, None
        reason: OffReason | None = None
        for one in sorted(its, key=lambda one: one.at):
            if one.state == "delivered":
                failures, since, not_before = 0, None, None
                continue
            failures, since = failures + 1, since or one.at
            not_before = one.not_before
            if one.is_gone:
                reason = "gone"
        if since is not None and is_too_long((moment - since).total_seconds(), off_after_days):
            reason = reason or "failing"
        changed = await tx.exec_driver_sql(
            _HEALTH, (row.id, failures, since, not_before, reason, moment)
        )
        now_is = changed.one()
        if reason is not None and now_is.is_new:
            off.append(SwitchedOff(row.id, now_is.company_id, now_is.url, reason))
    return off
