"""Event handlers of `notifications` for matches."""

from hirewire.contracts.vacancies import RecommendationCreated, RecommendationWithdrawn
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.making import Subject
from hirewire.notifications.matches import commands


async def on_recommendation_created(tx: Tx, received: Received[RecommendationCreated]) -> None:
    """Notify the company of the candidate, and the applicant of the vacancy."""
    event = received.event
    match = Subject(
        vacancy_id=event.vacancy_id,
        company_id=event.company_id,
        resume_id=event.resume_id,
        applicant_id=event.user_id,
    )
    await commands.count(tx, received, match)


async def on_recommendation_withdrawn(tx: Tx, received: Received[RecommendationWithdrawn]) -> None:
    """Take the match back."""
    await commands.withdraw(tx, received, received.event.resume_id, received.event.vacancy_id)
