"""Event handlers of `auth` that write mails."""

from hirewire.auth.mails.letters import Kind, letter
from hirewire.auth.readers import reader_if_any
from hirewire.contracts.vacancies import ModerationDecided
from hirewire.kit.mail import queue
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx

MAILS: dict[tuple[str, bool], Kind] = {
    ("taken_down", True): "vacancy_taken_down",
    ("upheld", True): "vacancy_upheld",
    ("restored", True): "vacancy_restored",
    ("taken_down", False): "company_taken_down",
    ("upheld", False): "company_upheld",
    ("restored", False): "company_restored",
}
"""The mails by what was decided, and whether about a vacancy."""


async def on_moderation_decided(tx: Tx, received: Received[ModerationDecided]) -> None:
    """Mail somebody what was decided about their vacancy or company. The page has the reason."""
    event = received.event
    kind = MAILS.get((event.kind, event.vacancy_id is not None))
    reader = await reader_if_any(tx, event.user_id)
    if kind is None or reader is None:
        return
    id = event.vacancy_id
    link = f"/employer/vacancies/{id}#decisions" if id else "/employer/company#decisions"
    mail = letter(kind, to=reader.email, language=reader.language, link=link)
    await queue.send(tx, kind, mail, user_id=event.user_id)
