"""What `vacancies` publishes."""

from uuid import UUID

from hirewire.messaging.event import Event


class EmployerProfileCreated(
    Event, name="employer.profile.created", owner="vacancies", key="user_id"
):
    """Somebody acts for a company from now on; `auth` makes them an employer."""

    user_id: UUID
    company_id: UUID
    phone: str | None
    company_name: str | None = None


class VacancyPublished(Event, name="vacancy.published", owner="vacancies", key="vacancy_id"):
    """A vacancy is open to applicants from now on."""

    vacancy_id: UUID
    company_id: UUID
    version: int
    title: str


class VacancyUpdated(Event, name="vacancy.updated", owner="vacancies", key="vacancy_id"):
    """An open vacancy's content has changed."""

    vacancy_id: UUID
    company_id: UUID
    version: int
    title: str


class VacancyClosed(Event, name="vacancy.closed", owner="vacancies", key="vacancy_id"):
    """A vacancy takes no more applications."""

    vacancy_id: UUID
    company_id: UUID
    version: int
    reason: str
    """`filled`, `cancelled` or `expired`."""
