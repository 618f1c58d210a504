"""The events that `vacancies` publishes."""

from uuid import UUID

from hirewire.contracts.fields import Moment
from hirewire.messaging.event import NOBODY, Event


class EmployerProfileCreated(
    Event,
    name="employer.profile.created",
    owner="vacancies",
    key="user_id",
    subject="user_id",
    personal={"phone": None, "company_name": None},
):
    """A user now acts for a company. `auth` makes the user an employer."""

    user_id: UUID
    company_id: UUID
    phone: str | None
    company_name: str | None = None


class EmployerStated(
    Event,
    name="employer.stated",
    owner="vacancies",
    key="user_id",
    subject="user_id",
    personal={"company_name": None},
):
    """For which company a user acts now. Published once of all employers after a service has
    subscribed, which needs those whose `employer.profile.created` is no longer in the log.
    """

    user_id: UUID
    company_id: UUID
    company_name: str | None


class VacancyStated(
    Event, name="vacancy.stated", owner="vacancies", key="vacancy_id", subject=NOBODY
):
    """The current state of a vacancy that has been published. Published once of all after a service
    has subscribed, which needs those whose other events are no longer in the log.
    """

    vacancy_id: UUID
    company_id: UUID
    version: int
    title: str
    status: str
    """`published`, `paused` (or not shown), `closed` or `archived`."""


class ApplicationStated(
    Event,
    name="application.stated",
    owner="vacancies",
    key="application_id",
    subject="user_id",
):
    """The current state of an application. Published once of all after a service has subscribed,
    which needs those whose other events are no longer in the log.
    """

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    origin: str
    """`response` or `invitation`."""
    submitted_at: Moment | None
    """None: an invitation that is not accepted."""
    stage: str
    applicant_state: str


class VacanciesStated(
    Event, name="vacancies.stated", owner="vacancies", key="subscriber", subject=NOBODY
):
    """The current state of employers, vacancies and applications has been published once for this
    subscriber.
    """

    subscriber: str
    """The name of the service."""
    types: list[str]
    """The events that have said so."""


class VacancyPublished(
    Event, name="vacancy.published", owner="vacancies", key="vacancy_id", subject=NOBODY
):
    """A vacancy is now open to applicants."""

    vacancy_id: UUID
    company_id: UUID
    version: int
    title: str


class VacancyUpdated(
    Event, name="vacancy.updated", owner="vacancies", key="vacancy_id", subject=NOBODY
):
    """An open vacancy's content has changed."""

    vacancy_id: UUID
    company_id: UUID
    version: int
    title: str


class VacancyClosed(
    Event, name="vacancy.closed", owner="vacancies", key="vacancy_id", subject=NOBODY
):
    """A vacancy is closed and accepts no more applications."""

    vacancy_id: UUID
    company_id: UUID
    version: int
    reason: str
    """`filled`, `cancelled` or `expired`."""


class VacancyPaused(
    Event, name="vacancy.paused", owner="vacancies", key="vacancy_id", subject=NOBODY
):
    """A vacancy is paused and accepts no applications until the next `vacancy.published`.

    Also published when an open vacancy is no longer shown, because it was taken down or its owner
    is blocked. `vacancy.published` follows if it is shown again. Open applications go on.
    """

    vacancy_id: UUID
    company_id: UUID
    version: int


class ModerationDecided(
    Event, name="moderation.decided", owner="vacancies", key="user_id", subject="user_id"
):
    """An operator has taken down a vacancy or a company, or has decided about it again.

    Published once for each person who acts for the company: they read the reason on its page, which
    no event has.
    """

    decision_id: UUID
    user_id: UUID
    """Who acts for the company."""
    company_id: UUID
    vacancy_id: UUID | None = None
    """None if the company itself was taken down."""
    kind: str
    """`taken_down`, `upheld` (it stays so) or `restored`."""


class ApplicationSubmitted(
    Event,
    name="application.submitted",
    owner="vacancies",
    key="application_id",
    subject="user_id",
):
    """A candidate has applied to a vacancy or accepted an invitation.

    While the application is open, users who act for the company may read the full resume with its
    contacts. After it has ended (`application.stage_changed`), they may read the resume as it was
    when it was opened, without contacts if the applicant has withdrawn.
    """

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    origin: str
    """`response` or `invitation`."""
    submitted_at: Moment | None = None


class ApplicationStageChanged(
    Event,
    name="application.stage_changed",
    owner="vacancies",
    key="application_id",
    subject="user_id",
):
    """An application has changed its stage. `stage` is the employer's view of it, `applicant_state`
    the applicant's.
    """

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    previous_stage: str | None
    """None for a new application."""
    stage: str
    applicant_state: str
    reason: str | None = None


class ApplicationMessageSent(
    Event,
    name="application.message_sent",
    owner="vacancies",
    key="application_id",
    subject="user_id",
):
    """One side of an application has sent the other a message. Read the text from the API."""

    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    side: str
    """The sender: `employer` or `applicant`."""


class InterviewProposed(
    Event, name="interview.proposed", owner="vacancies", key="application_id", subject="user_id"
):
    """An employer has proposed times for an interview, or other times than before."""

    interview_id: UUID
    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    employer_id: UUID | None
    """Who proposed the times for the company."""
    version: int
    """Rises with each change of the interview: the highest one says how it stands."""
    time_zone: str
    """The name of the interview's time zone (IANA)."""
    minutes: int
    """How long it takes."""
    slots: list[Moment]
    """The times to choose from."""
    called_off: Moment | None = None
    """The time that was agreed before, and that no longer holds."""


class InterviewChosen(
    Event,
    name="interview.chosen",
    owner="vacancies",
    key="application_id",
    subject="user_id",
    personal={"place": None},
):
    """The candidate has chosen one of the times: the interview is agreed."""

    interview_id: UUID
    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    employer_id: UUID | None
    """Who proposed the times for the company."""
    version: int
    """Rises with each change of the interview: the highest one says how it stands."""
    time_zone: str
    """The name of the interview's time zone (IANA)."""
    minutes: int
    """How long it takes."""
    starts_at: Moment
    place: str | None = None
    """The address or the link. It is what calendars need; a note to the candidate is not in it."""


class InterviewDeclined(
    Event, name="interview.declined", owner="vacancies", key="application_id", subject="user_id"
):
    """The candidate has declined an interview, or has asked for other times."""

    interview_id: UUID
    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    employer_id: UUID | None
    """Who proposed the times for the company."""
    version: int
    """Rises with each change of the interview: the highest one says how it stands."""
    wants_other_times: bool
    called_off: Moment | None = None
    """The time that was agreed before, and that no longer holds."""


class InterviewCancelled(
    Event, name="interview.cancelled", owner="vacancies", key="application_id", subject="user_id"
):
    """An interview will not take place."""

    interview_id: UUID
    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    employer_id: UUID | None
    """Who proposed the times for the company."""
    version: int
    """Rises with each change of the interview: the highest one says how it stands."""
    side: str
    """Who called it off: `employer`, `applicant` or `system`."""
    reason: str
    """`called_off`, `application_ended` or `expired`: no time was chosen."""
    called_off: Moment | None = None
    """The time that was agreed before."""


class InterviewAbandoned(
    Event, name="interview.abandoned", owner="vacancies", key="application_id", subject=NOBODY
):
    """The candidate of an agreed interview has deleted the account: nobody will come.

    It says nothing of the candidate, so it is handled although that person is erased.
    """

    interview_id: UUID
    application_id: UUID
    vacancy_id: UUID
    company_id: UUID
    employer_id: UUID | None
    """Who proposed the times for the company."""
    version: int
    """Rises with each change of the interview: the highest one says how it stands."""
    time_zone: str
    """The name of the interview's time zone (IANA)."""
    minutes: int
    called_off: Moment
    """The time that was agreed."""


class RecommendationCreated(
    Event,
    name="recommendation.created",
    owner="vacancies",
    key="resume_id",
    subject="user_id",
):
    """A visible resume now matches an open vacancy.

    The event has the score only. Authorised users can read the reasons from the API.
    """

    recommendation_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    score: float
    """0 to 1: the share of the vacancy's requirements that the resume meets."""
    resume_version: int | None = None
    vacancy_version: int | None = None
    ruleset: str | None = None


class RecommendationWithdrawn(
    Event,
    name="recommendation.withdrawn",
    owner="vacancies",
    key="resume_id",
    subject="user_id",
):
    """A resume no longer matches a vacancy, or one of them is no longer visible."""

    recommendation_id: UUID
    vacancy_id: UUID
    company_id: UUID
    resume_id: UUID
    user_id: UUID
    """The owner of the resume."""
    reason: str
    """`no_longer_fits`, `resume_hidden`, `resume_deleted` or `vacancy_closed`."""


class SearchMatched(
    Event, name="search.matched", owner="vacancies", key="user_id", subject="user_id"
):
    """A vacancy meets saved searches of a person, who wants to be alerted.

    Recorded once for a person and a vacancy, whatever the number of the person's searches, and not
    again when the vacancy changes and still meets them.
    """

    user_id: UUID
    """Who saved the searches."""
    vacancy_id: UUID
    company_id: UUID
    search_ids: list[UUID]


class SearchMatchWithdrawn(
    Event, name="search.match_withdrawn", owner="vacancies", key="user_id", subject="user_id"
):
    """A vacancy no longer meets saved searches, or they have no alerts any more."""

    user_id: UUID
    """Who saved the searches."""
    search_ids: list[UUID]
    vacancy_id: UUID | None = None
    """None: all vacancies."""
    reason: str
    """`vacancy_closed`, `no_longer_matches` or `alerts_off`."""


class VacanciesExported(
    Event, name="vacancies.exported", owner="vacancies", key="user_id", subject="user_id"
):
    """The part of `vacancies` of an export is made (`user.export_requested`)."""

    export_id: UUID
    user_id: UUID
    made_at: Moment


class ApplicationsRetentionDue(
    Event, name="applications.retention_due", owner="vacancies", key="user_id", subject="user_id"
):
    """Applications of a user ended long ago. `auth` asks by mail whether to keep them; they are
    anonymised no sooner than 14 days after that.
    """

    notice_id: UUID
    user_id: UUID
    asked_at: Moment


class ApplicationAnonymised(
    Event, name="application.anonymised", owner="vacancies", key="application_id", subject="user_id"
):
    """An application is no longer connected to its applicant. Delete what was kept of it."""

    application_id: UUID
    resume_id: UUID
    """The resume that it was made with."""
    user_id: UUID
    """The applicant."""


class VacanciesErasureDone(
    Event,
    name="user.erasure_done.vacancies",
    owner="vacancies",
    key="user_id",
    subject="user_id",
    erasure="answers",
):
    """`vacancies` has erased or anonymised all that it had of a user (see `user.erased`)."""

    user_id: UUID
    erasure_id: UUID
    service: str
    records: int
    """How many records were deleted, anonymised or redacted."""
    at: Moment
