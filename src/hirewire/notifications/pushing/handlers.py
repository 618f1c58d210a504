"""Event handlers of `notifications` for devices."""

from hirewire.contracts.auth import SessionEnded
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.pushing import commands


async def on_session_ended(tx: Tx, received: Received[SessionEnded]) -> None:
    """Notify the browser of that session no more."""
    await commands.end_session(tx, received.event.session_id)
