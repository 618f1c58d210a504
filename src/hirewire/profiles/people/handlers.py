"""What `profiles` hears about people."""

from hirewire.contracts.auth import UserRegistered
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.profiles.people import commands


async def on_user_registered(tx: Tx, received: Received[UserRegistered]) -> None:
    """Who registers has a profile; until they give a name it shows their e-mail address."""
    await commands.create(tx, received.event.id, received.event.email)
