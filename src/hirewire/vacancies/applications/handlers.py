"""What ends applications from outside."""

from collections.abc import Sequence

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.contracts.vacancies import VacancyClosed
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.applications import commands


async def on_vacancy_closed(tx: Tx, received: Received[VacancyClosed]) -> None:
    """Everybody who waits for an answer gets one; heard again, nobody is left to tell."""
    await commands.answer_all(tx, received.event.vacancy_id, received.event.reason)


async def on_resume_updated(tx: Tx, received: Sequence[Received[ResumeUpdated]]) -> None:
    """Without the resume there is no application."""
    for one in received:
        if one.event.action == "deleted":
            await commands.withdraw_all(tx, one.event.resume_id, cause=one)
