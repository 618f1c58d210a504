"""Event handlers of `profiles` for registered users."""

from hirewire.contracts.auth import UserRegistered
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.profiles.people import commands


async def on_user_registered(tx: Tx, received: Received[UserRegistered]) -> None:
    """Create the user's profile. It shows the e-mail address until the user enters a name."""
    await commands.create(tx, received.event.id, received.event.email)
