"""What an operator does after a backup was restored, across features: nothing is sent twice."""

from collections.abc import Mapping

from hirewire.kit.mail import queue
from hirewire.messaging.transaction import Tx
from hirewire.notifications import restoring
from hirewire.notifications.mailing import commands as mailing
from hirewire.notifications.pushing import commands as pushing
from hirewire.notifications.webhooks import recording


async def hold_back(tx: Tx) -> Mapping[str, int]:
    """Hold mails, pushes and deliveries back, those too that are due and not queued; returns how
    many there were.
    """
    await restoring.note(tx)
    mails = await queue.hold_back(tx)  # first: whose mail waits gets no other one
    while await mailing.queue_due(tx):
        mails += await queue.hold_back(tx)
    return {
        "mails": mails,
        "pushes": await pushing.drop_all(tx),
        "deliveries to webhooks": await recording.hold_waiting(tx),
    }
