"""Event handlers of `notifications` for the end of what the owners state."""

from hirewire.contracts.auth import AuthStated
from hirewire.contracts.profiles import ProfilesStated
from hirewire.contracts.vacancies import VacanciesStated
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.beginning import commands

OWNERS = (AuthStated.owner, ProfilesStated.owner, VacanciesStated.owner)


async def on_stated(
    tx: Tx, received: Received[AuthStated] | Received[ProfilesStated] | Received[VacanciesStated]
) -> None:
    """Store that an owner has stated all; once all have, notices are made."""
    if received.event.subscriber == "notifications":
        await commands.complete(tx, received.event.owner, OWNERS)
