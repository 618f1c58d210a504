"""Request and response bodies of resumes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from hirewire.contracts.vocabulary import EmploymentType, LanguageLevel, WorkFormat
from hirewire.kit.models import PARTIAL_DATE, Answer, Body, Row, WebLink, text
from hirewire.kit.rows import Counted, DoneRow, SentRow
from hirewire.profiles.dates import check_date, check_period
from hirewire.profiles.presenters import (
    ExpectedSalary,
    KnownSkill,
    Position,
    SectionEntry,
    ShownCertificate,
    ShownLink,
    ShownProject,
    SpokenLanguage,
    Study,
)

Name = Annotated[str, text(1, 200)]
Highlight = Annotated[str, text(1, 1000)]
Year = Annotated[int, Field(ge=1900, le=2100)]
Date = Annotated[
    str, AfterValidator(check_date), Field(json_schema_extra={"pattern": PARTIAL_DATE})
]
Visibility = Literal["no_one", "recommended", "applied", "link"]


LinkPart = Literal["name", "contacts"]


def _sorted(values: list[str]) -> list[str]:
    return sorted(set(values), reverse=True)


def _once_each(values: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(values))


class Salary(Body):
    """The expected salary."""

    amount: Annotated[int, Field(ge=0, le=1_000_000_000)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    unit: Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"] = "MONTH"


class Skill(Body):
    """A skill and its level (1 to 5)."""

    name: Name
    level: Annotated[int, Field(ge=1, le=5)] | None = None


class Language(Body):
    """A language and its level."""

    language: Name
    level: LanguageLevel | None = None


class Certificate(Body):
    """A certificate."""

    name: Name
    issuer: Name | None = None
    date: Annotated[str, text(1, 500)] | None = None
    url: WebLink | None = None


class Link(Body):
    """A link."""

    url: WebLink
    label: Name | None = None


class Project(Body):
    """A project and its results."""

    name: Name
    url: WebLink | None = None
    start: Date | None = None
    end: Date | None = None
    description: Annotated[str, text(1, 10_000)] | None = None
    highlights: Annotated[list[Highlight], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _period(self) -> Self:
        check_period(self.start, self.end)
        return self


class ResumeChanges(Body):
    """The editable fields. Fields that are not sent stay unchanged; null clears, lists replace."""

    status: Literal["draft", "published", "hidden"] = "draft"
    title: Name | None = None
    summary: Annotated[str, text(1, 10_000)] | None = None
    area: Name | None = None
    relocation: bool = False
    employment_types: Annotated[list[EmploymentType], Field(max_length=10)] = []
    work_formats: Annotated[list[WorkFormat], Field(max_length=3)] = []
    salary: Salary | None = None
    skills: Annotated[list[Skill], Field(max_length=200)] = []
    languages: Annotated[list[Language], Field(max_length=50)] = []
    certificates: Annotated[list[Certificate], Field(max_length=100)] = []
    links: Annotated[list[Link], Field(max_length=50)] = []
    projects: Annotated[list[Project], Field(max_length=50)] = []
    visibility: Visibility = "recommended"
    hidden_from: Annotated[list[UUID], Field(max_length=100), AfterValidator(_once_each)] = []
    """Companies that are never shown this resume, unless one applies to them."""
    link_shows: Annotated[list[LinkPart], Field(max_length=2), AfterValidator(_sorted)] = []
    """The owner's data that a share link shows."""


class SentResume(SentRow):
    """A resume that a person has elsewhere, with its key there."""

    document: Mapping[str, Any]  # not JsonValue: `check_document` checks the form
    """A JSON Resume."""
    changes: ResumeChanges = ResumeChanges()
    """What it cannot say, such as the status, or says otherwise."""


class ResumesToImport(Body):
    """Resumes, each a row of its own."""

    resumes: Annotated[list[Annotated[Any, Row(SentResume)]], Field(max_length=50)]


class NewResume(ResumeChanges):
    """A new resume; a title is required."""

    title: Name


class ExperienceChanges(Body):
    """The editable fields of a position."""

    company: Name | None = None
    position: Name | None = None
    start: Date | None = None
    end: Date | None = None
    description: Annotated[str, text(1, 10_000)] | None = None
    highlights: Annotated[list[Highlight], Field(max_length=50)] = []
    """Achievements, one per line."""
    skills: Annotated[list[Name], Field(max_length=30)] = []

    @model_validator(mode="after")
    def _period(self) -> Self:
        check_period(self.start, self.end)
        return self


class NewExperience(ExperienceChanges):
    """A new position; its name and start are required."""

    position: Name
    start: Date


class EducationChanges(Body):
    """The editable fields of an education entry."""

    organization: Name | None = None
    level: Name | None = None
    field: Name | None = None
    start_year: Year | None = None
    end_year: Year | None = None

    @model_validator(mode="after")
    def _period(self) -> Self:
        if self.start_year and self.end_year and self.end_year < self.start_year:
            raise PydanticCustomError("end_before_start", "endYear must not be before startYear")
        return self


class NewEducation(EducationChanges):
    """A new education entry; the organization is required."""

    organization: Name


class Experience(Position):
    """A position of the work experience."""

    highlights: list[str] = []


class Education(Study):
    """An education entry."""


class Completeness(Answer):
    """How complete a resume is, and which fields are missing."""

    percent: int
    missing_mandatory: list[str]
    missing_recommended: list[str]


class Resume(Answer):
    """A resume, as its owner sees it."""

    id: UUID
    version: int
    status: str
    title: str | None
    summary: str | None
    area: str | None
    relocation: bool
    employment_types: list[str]
    work_formats: list[str]
    salary: ExpectedSalary | None
    skills: list[KnownSkill]
    languages: list[SpokenLanguage]
    certificates: list[ShownCertificate]
    links: list[ShownLink]
    projects: list[ShownProject] = []
    more: dict[str, list[SectionEntry]] = {}
    """Imported sections that are shown but cannot be edited: `volunteer`, `publications`, `awards`,
    `interests` and `references`.
    """
    visibility: str
    hidden_from: list[UUID]
    link_key: str | None
    """With visibility `link`, anyone with the key can read the resume at `/shared/{key}`."""
    link_shows: list[str]
    """The owner's data shown there: `name`, `contacts`, both or neither."""
    experience: list[Experience]
    education: list[Education]
    total_experience_months: int
    completeness: Completeness
    allowed_actions: list[str]
    created_at: datetime
    updated_at: datetime


class LeftOut(Answer):
    """A value of an imported document that was skipped or changed."""

    pointer: str
    detail: str
    code: str
    """The kind of problem, for programs; `params` are the values in `detail`."""
    params: dict[str, int | str] = {}


class Source(Answer):
    """The place in a file that a value was read from."""

    page: int
    text: str


class ReadResume(Answer):
    """The content that was read from a file. The service stores none of it."""

    layout: Literal["linkedin", "hh", "generic"]
    """The program whose layout the file has."""
    document: dict[str, JsonValue]
    """A JSON Resume for `POST /api/profiles/resumes/import`, after a person has checked it."""
    sources: dict[str, Source]
    """The line that each value came from, by JSON pointer into the document."""


class ImportedResume(Resume):
    """An imported resume, with the values that were skipped or changed."""

    left_out: list[LeftOut] = []


class DoneResume(DoneRow):
    """What was done with a resume, and the values that were skipped or changed."""

    left_out: list[LeftOut] = []


class ResumesImported(Counted):
    """The numbers of rows by their outcome, and each row in the order of the request."""

    rows: list[DoneResume]
