"""Event handlers of `profiles` for people who were asked by mail."""

from hirewire.contracts.auth import UserRetentionNotified
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.profiles.retention import commands


async def on_user_retention_notified(tx: Tx, received: Received[UserRetentionNotified]) -> None:
    """Note when the mail was queued. A notice of another service changes nothing."""
    await commands.notified(tx, received.event.notice_id, received.event.at)
