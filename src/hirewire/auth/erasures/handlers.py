"""Event handlers of `auth` for the services' answers to an erasure."""

from hirewire.auth.erasures import commands
from hirewire.contracts.notifications import NotificationsErasureDone
from hirewire.contracts.profiles import ProfilesErasureDone
from hirewire.contracts.vacancies import VacanciesErasureDone
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx


async def on_erasure_done(
    tx: Tx,
    received: Received[ProfilesErasureDone]
    | Received[VacanciesErasureDone]
    | Received[NotificationsErasureDone],
) -> None:
    """Put a service's answer on the receipt. A repeated one changes nothing."""
    done = received.event
    await commands.answer(tx, done.erasure_id, done.service, done.records, done.at)
