"""The events that `profiles` publishes."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from hirewire.contracts.fields import Moment
from hirewire.messaging.event import NOBODY, Event

ResumeAction = Literal[
    "created",
    "updated",
    "deleted",
    "experience_added",
    "experience_updated",
    "experience_removed",
    "education_added",
    "education_updated",
    "education_removed",
]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class Money(_Part):
    """A salary expectation."""

    amount: int
    currency: str
    """ISO 4217."""
    unit: str = "MONTH"


class SnapshotSkill(_Part):
    """A skill, with the name that the candidate entered."""

    name: str
    level: int | None = None
    """1 to 5."""


class SnapshotLanguage(_Part):
    """A language and its level."""

    language: str
    level: str | None = None
    """CEFR `A1` to `C2`, or `native`."""


class SnapshotExperience(_Part):
    """A position in the work experience."""

    id: UUID
    company: str | None = None
    position: str | None = None
    start: str | None = None
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`."""
    end: str | None = None
    skills: list[str] = []


class SnapshotEducation(_Part):
    """A course of study."""

    id: UUID
    organization: str | None = None
    level: str | None = None
    field: str | None = None
    start_year: int | None = None
    end_year: int | None = None


class ResumeSnapshot(_Part):
    """A resume without the owner's name, contacts or free text."""

    title: str | None = None
    status: str = "draft"
    visibility: str = "recommended"
    hidden_from: list[UUID] = []
    """Ids of the companies that may not see the resume."""
    area: str | None = None
    relocation: bool = False
    employment_types: list[str] = []
    work_formats: list[str] = []
    salary: Money | None = None
    experience_months: int = 0
    """The total, with overlaps counted once."""
    experience: list[SnapshotExperience] = []
    education: list[SnapshotEducation] = []
    skills: list[SnapshotSkill] = []
    languages: list[SnapshotLanguage] = []
    licences: list[str] = []
    """Licences and permits that certificates name, by their labels in our dictionary."""


class ResumeUpdated(
    Event,
    name="resume.updated",
    owner="profiles",
    key="resume_id",
    subject="user_id",
    personal={"resume": ...},
):
    """A resume has changed. Each change publishes one event, in its own transaction.

    `version` increases by one with each change. A consumer that keeps the current state stores the
    newest version, ignores older ones, and treats an unknown `action` as `updated`.
    """

    user_id: UUID
    resume_id: UUID
    action: str
    """One of `ResumeAction`, or a value that a later version adds."""
    experience_id: UUID | None = None
    education_id: UUID | None = None
    version: int | None = None
    resume: ResumeSnapshot | None = None
    """Absent if the resume was deleted."""


class ResumeStated(
    Event,
    name="resume.stated",
    owner="profiles",
    key="resume_id",
    subject="user_id",
    personal={"title": None},
):
    """The current state of a resume, in short. Published once of all resumes after a service has
    subscribed, which needs those whose `resume.updated` is no longer in the log.
    """

    user_id: UUID
    resume_id: UUID
    version: int
    title: str | None
    status: str
    visibility: str


class ProfilesStated(
    Event, name="profiles.stated", owner="profiles", key="subscriber", subject=NOBODY
):
    """The current state of all resumes has been published once for this subscriber."""

    subscriber: str
    """The name of the service."""
    types: list[str]
    """The events that have said so."""


class ProfileUpdated(
    Event, name="profile.updated", owner="profiles", key="user_id", subject="user_id"
):
    """A user's profile was created or changed. Names the changed fields, without their values."""

    user_id: UUID
    version: int
    changed: list[str] = []


class ProfilesExported(
    Event, name="profiles.exported", owner="profiles", key="user_id", subject="user_id"
):
    """The part of `profiles` of an export is made (`user.export_requested`)."""

    export_id: UUID
    user_id: UUID
    made_at: Moment


class ResumesRetentionDue(
    Event, name="resumes.retention_due", owner="profiles", key="user_id", subject="user_id"
):
    """Resumes of a user were not touched for a long time. `auth` asks by mail whether to keep
    them; they are deleted no sooner than 14 days after that.
    """

    notice_id: UUID
    user_id: UUID
    asked_at: Moment


class ProfilesErasureDone(
    Event,
    name="user.erasure_done.profiles",
    owner="profiles",
    key="user_id",
    subject="user_id",
    erasure="answers",
):
    """`profiles` has erased or anonymised all that it had of a user (see `user.erased`)."""

    user_id: UUID
    erasure_id: UUID
    service: str
    records: int
    """How many records were deleted, anonymised or redacted."""
    at: Moment
