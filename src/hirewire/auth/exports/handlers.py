"""Event handlers of `auth` for the parts of exports."""

from hirewire.auth.exports import commands
from hirewire.contracts.notifications import NotificationsExported
from hirewire.contracts.profiles import ProfilesExported
from hirewire.contracts.vacancies import VacanciesExported
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx


async def on_profiles_exported(tx: Tx, received: Received[ProfilesExported]) -> None:
    """Note that `profiles` has made its part."""
    await commands.part_made(tx, received.event.export_id, "profiles")


async def on_vacancies_exported(tx: Tx, received: Received[VacanciesExported]) -> None:
    """Note that `vacancies` has made its part."""
    await commands.part_made(tx, received.event.export_id, "vacancies")


async def on_notifications_exported(tx: Tx, received: Received[NotificationsExported]) -> None:
    """Note that `notifications` has made its part."""
    await commands.part_made(tx, received.event.export_id, "notifications")
