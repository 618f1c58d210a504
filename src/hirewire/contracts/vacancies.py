"""What `vacancies` publishes."""

from uuid import UUID

from hirewire.contracts.fields import Moment
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


class VacancyPaused(Event, name="vacancy.paused", owner="vacancies", key="vacancy_id"):
    """A vacancy takes no applications for a while; `vacancy.published` tells when it does again."""

    vacancy_id: UUID
    company_id: UUID
    version: int


class ApplicationSubmitted(
    Event, name="application.submitted", owner="vacancies", key="application_id"
):
    """A person and a company have come together over a vacancy: one has applied, or has accepted
    an invitation.

    From now on people who act for the company may read the full resume, contacts included, while
    the application is open. When it has ended (`application.stage_changed`) they keep the resume as
    it was when it was opened; once the applicant has withdrawn, without contacts.
    """

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """Whose resume it is."""
    origin: str
    """`response` or `invitation`."""
    submitted_at: Moment | None = None


class ApplicationStageChanged(
    Event, name="application.stage_changed", owner="vacancies", key="application_id"
):
    """An application has moved. `stage` says where the employer has it, `applicant_state` what the
    applicant sees.
    """

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """Whose resume it is."""
    previous_stage: str | None
    """None for a new one."""
    stage: str
    applicant_state: str
    reason: str | None = None


class ApplicationMessageSent(
    Event, name="application.message_sent", owner="vacancies", key="application_id"
):
    """One side of an application has written to the other. The text is read from the API."""

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """Whose resume it is."""
    side: str
    """Who has written: `employer` or `applicant`."""


class RecommendationCreated(
    Event, name="recommendation.created", owner="vacancies", key="resume_id"
):
    """A visible resume fits an open vacancy from now on.

    Says how well, not why: the reasons are read from the API, by those who may.
    """

    recommendation_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """Whose resume it is."""
    score: float
    """0 to 1: how much of what the vacancy asks for is met."""
    resume_version: int | None = None
    vacancy_version: int | None = None
    ruleset: str | None = None


class RecommendationWithdrawn(
    Event, name="recommendation.withdrawn", owner="vacancies", key="resume_id"
):
    """A resume no longer fits a vacancy, or one of the two is not to be seen any more."""

    recommendation_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """Whose resume it is."""
    reason: str
    """`no_longer_fits`, `resume_hidden`, `resume_deleted` or `vacancy_closed`."""
