"""Event handlers of `vacancies` for alerts of saved searches."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hirewire.contracts.vacancies import (
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyUpdated,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.alerts import commands


async def on_vacancy_changed(
    tx: Tx,
    received: Sequence[
        Received[VacancyPublished]
        | Received[VacancyUpdated]
        | Received[VacancyPaused]
        | Received[VacancyClosed]
    ],
) -> None:
    """Let the current vacancy meet all saved searches; one that is not open meets none."""
    causes: dict[UUID, Received[Any]] = {one.event.vacancy_id: one for one in received}
    await commands.meet(tx, causes, causes)
