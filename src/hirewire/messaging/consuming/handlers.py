"""When each handler of a service was added: the audit expects nothing of it before."""

from collections.abc import Sequence

from hirewire.messaging.subscriptions import Subscription
from hirewire.messaging.transaction import Tx

_LEFT = "delete from messaging.handler where queue = $1 and name <> all($2::text[])"
# A handler that is new to an already consumed queue is added now. A queue that is new itself (of
# one more partition) adds nothing to what is known of a handler from other queues.
_REGISTER = """
insert into messaging.handler (queue, name, since)
select $1, n.name, coalesce(
    case when not exists (select from messaging.handler where queue = $1)
        then (select max(h.since) from messaging.handler h where h.name = n.name) end,
    clock_timestamp())
from unnest($2::text[]) as n(name)
on conflict do nothing
"""


async def register(tx: Tx, queue: str, subscriptions: Sequence[Subscription]) -> None:
    """Store that exactly these handlers consume from a queue from now on."""
    names = sorted(subscription.name for subscription in subscriptions)
    await tx.exec_driver_sql(_REGISTER, (queue, names))
    await tx.exec_driver_sql(_LEFT, (queue, names))
