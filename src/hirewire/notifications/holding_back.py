"""What an operator does after a backup was restored, across features: nothing is sent twice."""

from collections.abc import Mapping

from hirewire.messaging.transaction import Tx
from hirewire.notifications import restoring
from hirewire.notifications.mailing import commands as mailing
from hirewire.notifications.pushing import commands as pushing
from hirewire.notifications.webhooks import recording


async def hold_back(tx: Tx) -> Mapping[str, int]:
    """Hold pushes and deliveries back, and have the mails queued that are due: they can be held
    back then. Returns how many there were.
    """
    await restoring.note(tx)
    while await mailing.queue_due(tx):
        pass
    return {
        "pushes": await pushing.drop_all(tx),
        "deliveries to webhooks": await recording.hold_waiting(tx),
    }
