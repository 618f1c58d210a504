"""Request and response bodies of recommendations."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from hirewire.contracts.vocabulary import EmploymentType, Experience, LanguageLevel, WorkFormat
from hirewire.kit.models import Answer, Body, text
from hirewire.vacancies.pay import Salary
from hirewire.vacancies.presenters import Card, OfferedSalary


class Ask(Body):
    """A required skill."""

    skill: Annotated[str, text(1, 200)]
    kind: Literal["must", "nice"] = "must"
    level: Annotated[int, Field(ge=1, le=5)] | None = None


class Language(Body):
    """A required or known language."""

    language: Annotated[str, text(1, 200)]
    level: LanguageLevel | None = None


class Offered(Body):
    """A skill of a candidate."""

    name: Annotated[str, text(1, 200)]
    level: Annotated[int, Field(ge=1, le=5)] | None = None


class Expected(Body):
    """The expected salary."""

    amount: Annotated[int, Field(ge=0, le=1_000_000_000)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    unit: Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"] = "MONTH"


class Reason(Answer):
    """One part of a score."""

    part: str
    kind: Literal["ability", "preference"]
    """What the person can do, or what both sides want: pay, place, work format and employment."""
    verdict: str
    points: float
    most: float
    """The points that it would add if it were met: the weight of what is missing."""
    about: str | None
    must: bool
    pointer: str | None
    close_to: str | None
    """The resume's skill that is close to a required one which it lacks; it counts in part."""
    differs: Literal["field", "level"] | None
    """Of an occupation that counts in part: how the titles differ beside it."""
    presumed: bool
    """Whether the employer did not list it, and it is read from the text of the vacancy."""


class _Recommendation(Answer):
    id: UUID
    vacancy_id: UUID
    resume_id: UUID
    score: float
    resume_version: int | None
    vacancy_version: int
    ruleset: str
    reasons: list[Reason]
    application_id: UUID | None
    """The open application of this resume for this vacancy."""
    created_at: datetime
    updated_at: datetime


class Recommendation(_Recommendation):
    """A matching resume, as the employer sees it."""

    vacancy_title: str
    state: str
    resume: Card


class Recommended(_Recommendation):
    """A matching vacancy, as the candidate sees it."""

    title: str
    company_name: str
    area: str | None
    work_format: str | None
    salary: OfferedSalary | None


class Score(Answer):
    """The match score of a resume."""

    resume_id: UUID
    score: float
    """0 to 1."""
    reasons: list[Reason] = []
    """The parts of the score; empty unless requested."""


class Scores(Answer):
    """Scores, for the resumes that have one."""

    items: list[Score]


class Decision(Body):
    """The employer's decision on a recommendation."""

    state: Literal["seen", "shortlisted", "dismissed"]
    reason: Annotated[str, text(1, 500)] | None = None


class Draft(Body):
    """Unsaved requirements of a vacancy; fields that are not sent keep their saved values."""

    title: Annotated[str, text(1, 200)] = ""
    requirements: Annotated[list[Ask], Field(max_length=30)] = []
    experience: Experience | None = None
    employment_type: EmploymentType | None = None
    work_format: WorkFormat | None = None
    area: Annotated[str, text(1, 200)] | None = None
    salary: Salary | None = None
    languages: Annotated[list[Language], Field(max_length=50)] = []


class Cost(Answer):
    """The number of candidates without a requirement, and if it were only nice to have."""

    skill: str
    kind: str
    without: int
    as_nice: int


class Exclusion(Answer):
    """How many resumes one condition excludes on its own."""

    part: str
    about: str | None
    """The skill or language, as the vacancy names it."""
    resumes: int


class Price(Answer):
    """The number of matching candidates and the effect of each requirement."""

    candidates: int
    resumes: int
    """All resumes that you may see on the board."""
    requirements: list[Cost]
    exclusions: list[Exclusion]
    """The conditions that exclude any resume, most exclusions first."""


class ResumeDraft(Body):
    """Unsaved changes of a resume; fields that are not sent keep their saved values."""

    title: Annotated[str, text(1, 200)] | None = None
    area: Annotated[str, text(1, 200)] | None = None
    relocation: bool = False
    skills: Annotated[list[Offered], Field(max_length=200)] = []
    work_formats: list[WorkFormat] = []
    employment_types: list[EmploymentType] = []
    salary: Expected | None = None
    languages: Annotated[list[Language], Field(max_length=50)] = []


class Preview(Body):
    """A resume and its unsaved changes."""

    resume_id: UUID
    changes: ResumeDraft = ResumeDraft()


class Suggestion(Answer):
    """A skill, and how many more vacancies would match with it."""

    skill: str
    opens: int


class Reach(Answer):
    """The number of matching vacancies, now and after the changes."""

    now: int
    then: int
    gained: list[UUID]
    lost: list[UUID]
    suggestions: list[Suggestion]
