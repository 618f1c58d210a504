"""Answers of `vacancies` about jobs and matches."""

from typing import Annotated, Any

from pydantic import BeforeValidator, JsonValue, model_validator

from hirewire.web.api.models.base import (
    Day,
    Education,
    ExpectedSalary,
    Model,
    Moment,
    Position,
    Skill,
    SpokenLanguage,
)

SHOWN_SKILLS, SHOWN_REQUIREMENTS = 6, 2
"""The numbers of a resume's skills and of a job's required skills that lists show."""


class OfferedSalary(Model):
    """The salary of a job."""

    min: int | None = None
    max: int | None = None
    currency: str
    unit: str = "MONTH"
    gross: bool = True

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The lowest and the highest amount."""
        return self.min, self.max


class Requirement(Model):
    """A required skill."""

    skill: str
    kind: str = "must"
    level: int | None = None


class Highlights(Model):
    """HTML fragments with the matches of a search marked."""

    title: str | None = None
    description: str | None = None


class Vacancy(Model):
    """A job, on its own page or in a list."""

    id: str
    companyId: str
    companyName: str
    companyLogo: str | None = None
    companyVerified: bool = False
    status: str
    title: str
    description: str | None = None
    requirements: tuple[Requirement, ...] = ()
    experience: str | None = None
    employmentType: str | None = None
    workFormat: str | None = None
    area: str | None = None
    address: str | None = None
    salary: OfferedSalary | None = None
    languages: tuple[SpokenLanguage, ...] = ()
    validThrough: Day | None = None
    responseLetterRequired: bool = False
    publishedAt: Moment | None = None
    allowedActions: tuple[str, ...] = ()
    """The actions that its employer can take; empty for everybody else."""
    held: str | None = None
    """Why it is not shown, whatever its status; only its employer and operators get such a job."""
    highlights: Highlights | None = None
    apiKey: str | None = None
    """The name of the API key that created it."""
    saved: bool | None = None
    """Whether the visitor has saved it."""

    @property
    def is_open(self) -> bool:
        """Whether it is shown to everybody and accepts applications."""
        return self.status == "published" and self.held is None

    @property
    def shown_status(self) -> str:
        """The status, or `held`."""
        return "held" if self.held else self.status


class AdvertLine(Model):
    """A line of a job ad."""

    text: str


class ReadVacancy(Model):
    """A draft that was read of a job ad, and sources by JSON pointer into it."""

    vacancy: dict[str, JsonValue]
    sources: dict[str, AdvertLine] = {}


def _first_skills_only(found: Any) -> Any:
    return found[:SHOWN_REQUIREMENTS] if isinstance(found, list) else found


class Widened(Model):
    """What a result of a widened search was found by."""

    name: str


class VacancyInList(Vacancy):
    """A job in a list, with only the first of its required skills: lists show no more."""

    requirements: Annotated[tuple[Requirement, ...], BeforeValidator(_first_skills_only)] = ()
    widened: Widened | None = None
    """None for a result of the words themselves."""


class SavedVacancy(Model):
    """A job that the visitor has saved, in its current status."""

    vacancy: VacancyInList


class Overview(Model):
    """Counts of the whole board: open jobs, and companies with open jobs."""

    vacancies: int
    companies: int


class Bucket(Model):
    """A value of a facet, and its count."""

    value: str
    label: str
    labelRu: str | None = None
    count: int


class Results(Model):
    """The fields that all search results share."""

    next: str | None = None
    total: int | None = None
    facets: dict[str, tuple[Bucket, ...]] | None = None
    corrected: dict[str, str] = {}


class VacancyResults(Results):
    """A page of jobs."""

    items: tuple[VacancyInList, ...] = ()


class OwnVacancy(Model):
    """A job of the visitor's company, as lists show it."""

    id: str
    title: str
    status: str


class Card(Model):
    """The fields of a resume without name and contacts that every list shows."""

    title: str | None = None
    area: str | None = None
    relocation: bool = False
    experienceMonths: int = 0
    salary: ExpectedSalary | None = None


class CardWithSkills(Card):
    """The same with the first of its skills; the others are counted but not read."""

    skills: tuple[Skill, ...] = ()
    moreSkills: int = 0
    """The number of further skills; added here."""

    @model_validator(mode="before")
    @classmethod
    def _first_skills(cls, found: Any) -> Any:
        skills = found.get("skills") if isinstance(found, dict) else None
        if not isinstance(skills, list):
            return found
        more = max(len(skills) - SHOWN_SKILLS, 0)
        return {**found, "skills": skills[:SHOWN_SKILLS], "moreSkills": more}


class WholeCard(Card):
    """The full resume without name and contacts."""

    resumeId: str
    updatedAt: Moment
    skills: tuple[Skill, ...] = ()
    languages: tuple[SpokenLanguage, ...] = ()
    employmentTypes: tuple[str, ...] = ()
    workFormats: tuple[str, ...] = ()
    experience: tuple[Position, ...] = ()
    education: tuple[Education, ...] = ()


class ResumeFound(Model):
    """A resume in a list."""

    resumeId: str
    updatedAt: Moment
    resume: CardWithSkills
    titleMarked: str | None = None
    widened: Widened | None = None
    """None for a result of the words themselves."""


class ResumeResults(Results):
    """A page of resumes."""

    items: tuple[ResumeFound, ...] = ()


class Reason(Model):
    """One part of a match score."""

    part: str
    verdict: str
    kind: str = "ability"
    points: float = 0.0
    most: float = 0.0
    about: str | None = None
    closeTo: str | None = None
    differs: str | None = None
    presumed: bool = False


class _Match(Model):
    id: str
    vacancyId: str
    resumeId: str
    score: float
    reasons: tuple[Reason, ...] = ()
    applicationId: str | None = None
    createdAt: Moment


class MatchingResume(_Match):
    """A match, as the employer sees it."""

    vacancyTitle: str
    state: str = "new"
    resume: Card


class MatchingVacancy(_Match):
    """A match, as the candidate sees it."""

    title: str
    companyName: str
    area: str | None = None
    workFormat: str | None = None
    salary: OfferedSalary | None = None


class Score(Model):
    """The match score of a resume, 0 to 1."""

    resumeId: str
    score: float
    reasons: tuple[Reason, ...] = ()
    """The parts of the score; empty unless they were requested."""


class JobFigures(Model):
    """A job of the visitor's company with its figures."""

    id: str
    title: str
    status: str
    held: bool = False
    area: str | None = None
    daysOpen: int | None = None
    applications: int = 0
    unread: int = 0
    matches: int = 0


class PricedRequirement(Model):
    """How a requirement affects the number of candidates."""

    skill: str
    kind: str = "must"
    without: int = 0
    asNice: int = 0


class Exclusion(Model):
    """The number of candidates that a condition excludes."""

    part: str
    about: str | None = None
    resumes: int = 0


class Price(Model):
    """The effect of requirements on the number of candidates."""

    candidates: int
    resumes: int = 0
    requirements: tuple[PricedRequirement, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


class Suggestion(Model):
    """A skill that would make a resume match more jobs."""

    skill: str
    opens: int = 0


class Reach(Model):
    """The number of jobs that a resume matches, now and after changes."""

    now: int
    then: int
    suggestions: tuple[Suggestion, ...] = ()


class SavedSearch(Model):
    """A saved search."""

    id: str
    name: str
    query: dict[str, JsonValue] = {}
    """The parameters of the search: texts, numbers and lists of texts."""
    new: int | None = None
    """The number of new jobs; None while the search index is being built."""
    alerts: bool = False
    """Whether the person is notified of new jobs."""


class Activity(Model):
    """An action of a candidate on a resume."""

    eventId: str
    resumeId: str
    action: str
    occurredAt: Moment
    title: str | None = None
    area: str | None = None
    skills: tuple[str, ...] = ()


class Viewer(Model):
    """A company that viewed a resume."""

    companyId: str
    companyName: str
    lastAt: Moment


class SuggestedSkill(Model):
    """A skill of the dictionary."""

    name: str
    nameRu: str
    matched: str = ""


class SuggestedPlace(Model):
    """A place of the gazetteer."""

    name: str
    nameRu: str
    country: str = ""
    countryRu: str = ""


class SkillName(Model):
    """The names of a skill."""

    name: str
    nameRu: str


class SkillNames(Model):
    """Names of skills by the typed text."""

    names: dict[str, SkillName]
