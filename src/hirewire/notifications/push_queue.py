"""Queues pushes: one for each notice and device of its person, in the transaction of the notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.messaging.background import Wake
from hirewire.messaging.transaction import Tx, after_commit, owner_of
from hirewire.notifications.kinds import is_pushed


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a notice is pushed that counts more and more."""

    after: timedelta
    """How long the first push waits for what is added meanwhile."""
    apart: timedelta
    """How soon the next one follows, if there is more."""


AT_ONCE = Pace(timedelta(0), timedelta(minutes=1))
GATHERED = Pace(timedelta(minutes=1), timedelta(hours=1))
wakes: dict[str, Wake] = {}
"""Wakes the sender of a service in this process, if there is one."""

# A device that is removed meanwhile is skipped: its row is locked, and read again.
_ENQUEUE = """
insert into push as p (device_id, notice_id, queued_at, due_at)
select d.id, n.id, $2, greatest($3, d.hold_until, n.pushed_at + $4)
from notice n join push_device d on d.user_id = n.user_id
where n.id = any($1::uuid[])
order by d.id for key share of d
on conflict (device_id, notice_id) do update set changes = p.changes + 1
"""


def pace(kind: str) -> Pace:
    """That of a kind of notices: fast for what somebody waits for, not for matches."""
    return AT_ONCE if is_pushed(kind) else GATHERED


async def enqueue(tx: Tx, kind: str, notice_ids: Sequence[UUID]) -> None:
    """Queue pushes of notices that are new or count more than before."""
    its, moment = pace(kind), now()
    values = (list(notice_ids), moment, moment + its.after, its.apart)
    added = await tx.exec_driver_sql(_ENQUEUE, values)
    if added.rowcount and (wake := wakes.get(owner_of(tx))) is not None:
        after_commit(tx, wake)
