"""Event handlers of `profiles` for registered users."""

from hirewire.contracts.auth import UserEmailChanged, UserRegistered
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.profiles.people import commands


async def on_user_registered(tx: Tx, received: Received[UserRegistered]) -> None:
    """Create the user's profile. It shows the e-mail address until the user enters a name."""
    await commands.create(tx, received.event.id, received.event.email)


async def on_user_email_changed(tx: Tx, received: Received[UserEmailChanged]) -> None:
    """Store the address by which employers reach a candidate who has entered no contacts."""
    event = received.event
    await commands.change_email(tx, event.user_id, event.email, event.at)
