"""Event handlers of `vacancies` that end applications."""

from collections.abc import Sequence

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.contracts.vacancies import VacancyClosed
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.applications import ending


async def on_vacancy_closed(tx: Tx, received: Received[VacancyClosed]) -> None:
    """Close the open applications of the vacancy. A repeated event changes nothing."""
    await ending.close_of_vacancy(tx, received.event.vacancy_id, received.event.reason)


async def on_resume_updated(tx: Tx, received: Sequence[Received[ResumeUpdated]]) -> None:
    """Withdraw the applications of a deleted resume."""
    for one in received:
        if one.event.action == "deleted":
            await ending.withdraw_of_resume(tx, one.event.resume_id, cause=one)
