"""What `vacancies` publishes of each application for a service that is added."""

from typing import Any

from sqlalchemy import Row, select

from hirewire.contracts.vacancies import ApplicationStated
from hirewire.kit.stating import States
from hirewire.vacancies.applications import rules
from hirewire.vacancies.tables import NOBODY, application


def _made(row: Row[Any]) -> ApplicationStated:
    return ApplicationStated(
        application_id=row.id,
        vacancy_id=row.vacancy_id,
        company_id=row.company_id,
        resume_id=row.resume_id,
        user_id=row.user_id,
        origin=row.origin,
        submitted_at=row.accepted_at,
        stage=row.stage,
        applicant_state=rules.applicant_state(rules.progress_of(row)),
    )


APPLICATIONS = States(
    ApplicationStated,
    select(application).where(application.c.user_id != NOBODY),
    application.c.id,
    _made,
)
