"""Event handlers of `notifications` for users."""

from collections.abc import Sequence

from hirewire.contracts.auth import (
    UserBlocked,
    UserEmailChanged,
    UserEmailVerified,
    UserLocaleChanged,
    UserRegistered,
    UserStated,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.people import commands
from hirewire.notifications.planning import plan_again


async def on_user_registered(tx: Tx, received: Received[UserRegistered]) -> None:
    """Store the person."""
    await commands.register(tx, received.event.id, received.event.email)


async def on_user_email_changed(tx: Tx, received: Received[UserEmailChanged]) -> None:
    """Store the address that mails go to."""
    event = received.event
    await commands.change_email(tx, event.user_id, event.email, event.at)


async def on_user_email_verified(tx: Tx, received: Received[UserEmailVerified]) -> None:
    """Store that mails may go to the address."""
    await commands.verify(tx, received.event.user_id)


async def on_user_locale_changed(tx: Tx, received: Received[UserLocaleChanged]) -> None:
    """Store the language and the time zone."""
    event = received.event
    await commands.change_locale(tx, event.user_id, event.language, event.time_zone, event.at)
    await plan_again(tx, event.user_id)


async def on_user_blocked(tx: Tx, received: Received[UserBlocked]) -> None:
    """Store whether the person is blocked."""
    event = received.event
    await commands.note_block(tx, event.user_id, is_blocked=event.blocked, at=event.at)


async def on_user_stated(tx: Tx, received: Sequence[Received[UserStated]]) -> None:
    """Store people who were there before this service."""
    await commands.introduce(tx, [one.event for one in received])
