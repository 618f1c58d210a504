"""What `vacancies` publishes of each vacancy for a service that is added."""

from typing import Any

from sqlalchemy import Row, select

from hirewire.contracts.vacancies import VacancyStated
from hirewire.kit.stating import States
from hirewire.vacancies.tables import vacancy


def _made(row: Row[Any]) -> VacancyStated:
    is_paused = row.held and row.status == "published"
    return VacancyStated(
        vacancy_id=row.id,
        company_id=row.company_id,
        version=row.version,
        title=row.title,
        status="paused" if is_paused else row.status,
    )


VACANCIES = States(
    VacancyStated, select(vacancy).where(vacancy.c.status != "draft"), vacancy.c.id, _made
)
