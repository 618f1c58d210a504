"""Event handlers of `notifications` for matches."""

from collections.abc import Sequence

from hirewire.contracts.vacancies import RecommendationCreated, RecommendationWithdrawn
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.matches import commands


async def on_recommendation_created(
    tx: Tx, received: Sequence[Received[RecommendationCreated]]
) -> None:
    """Notify the companies of the candidates, and the applicants of the vacancies."""
    await commands.count(tx, received)


async def on_recommendation_withdrawn(tx: Tx, received: Received[RecommendationWithdrawn]) -> None:
    """Take the match back."""
    await commands.withdraw(tx, received, received.event.resume_id, received.event.vacancy_id)
