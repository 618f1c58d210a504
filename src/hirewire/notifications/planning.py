"""Plans mails about notices: which ones wait to be mailed, and when to look at a person's.

A plan is a row in the table `mail_plan`, in the transaction that makes the notice. Rows are only
added: two transactions that plan for one person never wait for each other. What is due, and what
the mail says, is decided later, from the state of then (`mailing`).
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from hirewire.kit.clock import now
from hirewire.messaging.background import Wake
from hirewire.messaging.transaction import Tx, after_commit, owner_of
from hirewire.notifications import push_queue
from hirewire.notifications.kinds import DEFAULTS, Kind

log = structlog.get_logger(__name__)
wakes: dict[str, Wake] = {}
"""Wakes the task that looks at plans in this process, by service."""
AHEAD = timedelta(minutes=1)
"""A plan this far ahead cannot be carried out before a transaction that relies on it commits."""
REACH = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(hours=25),
    "weekly": timedelta(days=7, hours=1),
}
"""A plan within this time is at the next regular moment, or before it."""

_PLAN = """
with waiting as (
    update notice n set mail_since = coalesce(n.mail_since, $2::timestamptz) from person p
    where n.id = any($1::uuid[]) and p.user_id = n.user_id
        and p.is_verified and p.mail_stopped_at is null
    returning n.user_id
), readers as (
    select distinct w.user_id, coalesce(f.mail, $4::text) as mail
    from waiting w left join preference f on f.user_id = w.user_id and f.kind = $3::text
)
insert into mail_plan (user_id, due_at)
select r.user_id, $2::timestamptz from readers r
where r.mail = 'at_once' or r.mail <> 'off' and not exists (
    select from mail_plan d where d.user_id = r.user_id and d.due_at > $2 + $5::interval
    and d.due_at <= $2 + case r.mail when 'hourly' then $6::interval
        when 'daily' then $7::interval else $8::interval end
)
returning user_id
"""
_HOLD_BACK = """
update notice set mails = mails + 1, mailed_before = mailed_count, mailed_count = count
where id = any($1::uuid[]) and mail_since is null
"""
_AGAIN = "insert into mail_plan (user_id, due_at) values ($1, $2)"


async def plan(tx: Tx, kind: Kind, notices: Sequence[UUID]) -> None:
    """Plan mails and pushes about notices of a kind that are new, or count more than before."""
    if not notices:
        return
    await push_queue.enqueue(tx, kind, notices)
    planned = await tx.exec_driver_sql(
        _PLAN, (list(notices), now(), kind, DEFAULTS[kind].mail, AHEAD, *REACH.values())
    )
    if planned.first() is not None:
        _wake_after(tx)


async def hold_back(tx: Tx, notices: Sequence[UUID]) -> None:
    """Send nothing about notices: it was sent before the database was restored. Those that wait to
    be mailed for another reason still do.
    """
    if notices:
        log.warning("not sent again after the restore", notices=len(notices))
        await tx.exec_driver_sql(_HOLD_BACK, (list(notices),))


async def plan_again(tx: Tx, user_id: UUID) -> None:
    """Look at what waits for a person, who wants it otherwise now, or is elsewhere."""
    await tx.exec_driver_sql(_AGAIN, (user_id, now()))
    _wake_after(tx)


def _wake_after(tx: Tx) -> None:
    if (wake := wakes.get(owner_of(tx))) is not None:
        after_commit(tx, wake)
