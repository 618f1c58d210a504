"""Event handlers of `vacancies` for blocked people."""

from hirewire.contracts.auth import UserBlocked
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.blocking import commands


async def on_user_blocked(tx: Tx, received: Received[UserBlocked]) -> None:
    """Hold the vacancies of somebody who is blocked, and show them again afterwards."""
    event = received.event
    await commands.note(tx, event.user_id, blocked=event.blocked, at=event.at)
