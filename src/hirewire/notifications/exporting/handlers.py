"""Event handlers of `notifications` for exports."""

from hirewire.contracts.auth import UserExportFinished, UserExportRequested
from hirewire.kit.exports import parts
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx


async def on_user_export_requested(tx: Tx, received: Received[UserExportRequested]) -> None:
    """Queue this service's part, which is made in the background."""
    event = received.event
    language = parts.language_of(event.language)
    await parts.request(tx, event.export_id, event.user_id, language, event.requested_at)


async def on_user_export_finished(tx: Tx, received: Received[UserExportFinished]) -> None:
    """Note when the part is to be deleted."""
    await parts.expire(tx, received.event.export_id, received.event.expires_at)
