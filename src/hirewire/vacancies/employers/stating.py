"""What `vacancies` publishes of each employer for a service that is added."""

from typing import Any

from sqlalchemy import Row, select

from hirewire.contracts.vacancies import EmployerStated
from hirewire.kit.stating import States
from hirewire.vacancies.tables import company, employer_profile


def _made(row: Row[Any]) -> EmployerStated:
    return EmployerStated(
        user_id=row.user_id, company_id=row.company_id, company_name=row.company_name
    )


_ROWS = select(
    employer_profile.c.user_id, employer_profile.c.company_id, company.c.name.label("company_name")
).join(company, company.c.id == employer_profile.c.company_id)
EMPLOYERS = States(EmployerStated, _ROWS, employer_profile.c.user_id, _made)
