"""Answers of `profiles`."""

from pydantic import JsonValue

from hirewire.web.api.models.base import (
    Education,
    ExpectedSalary,
    Model,
    Moment,
    Position,
    Skill,
    SpokenLanguage,
)
from hirewire.web.problems import Problem, read_problem


class Contact(Model):
    """A contact of a person."""

    kind: str = "other"
    value: str
    preferred: bool = False


class Profile(Model):
    """The visitor's own profile."""

    fullName: str
    headline: str | None = None
    area: str | None = None
    contacts: tuple[Contact, ...] = ()
    accountEmail: str | None = None
    """The e-mail address that companies see while there are no contacts."""
    offered: str = ""
    """The e-mail address of the account, suggested as a contact; added by the pages."""


class Source(Model):
    """The place in a file that a value was read from."""

    page: int
    text: str


class ReadResume(Model):
    """A draft that was read from a file: a JSON Resume, and sources by JSON pointer into it."""

    document: dict[str, JsonValue]
    sources: dict[str, Source] = {}


class Certificate(Model):
    """A certificate."""

    name: str
    issuer: str | None = None
    date: str | None = None
    url: str | None = None


class Link(Model):
    """A link."""

    url: str
    label: str | None = None


class Project(Model):
    """A project and its results."""

    name: str
    url: str | None = None
    start: str | None = None
    end: str | None = None
    description: str | None = None
    highlights: tuple[str, ...] = ()


class MoreEntry(Model):
    """An entry of a section that was imported and cannot be edited here."""

    title: str | None = None
    by: str | None = None
    text: str | None = None
    start: str | None = None
    end: str | None = None
    url: str | None = None
    lines: tuple[str, ...] = ()


class _Content(Model):
    title: str | None = None
    summary: str | None = None
    area: str | None = None
    relocation: bool = False
    employmentTypes: tuple[str, ...] = ()
    workFormats: tuple[str, ...] = ()
    salary: ExpectedSalary | None = None
    skills: tuple[Skill, ...] = ()
    languages: tuple[SpokenLanguage, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    links: tuple[Link, ...] = ()
    projects: tuple[Project, ...] = ()
    more: dict[str, tuple[MoreEntry, ...]] = {}
    """Imported sections by name."""
    experience: tuple[Position, ...] = ()
    education: tuple[Education, ...] = ()


class Completeness(Model):
    """How complete a resume is."""

    percent: int = 0
    missingMandatory: tuple[str, ...] = ()
    missingRecommended: tuple[str, ...] = ()


class LeftOut(Model):
    """A value of an imported file that was skipped or changed."""

    pointer: str = ""
    detail: str = ""
    code: str = ""
    params: JsonValue = None

    @property
    def problem(self) -> Problem:
        """The reason for skipping it, or the change."""
        return read_problem(self.model_dump())


class ResumeInList(Model):
    """One of the visitor's own resumes, as lists show it."""

    id: str
    title: str | None = None
    status: str = "draft"
    completeness: Completeness = Completeness()
    updatedAt: Moment


class Resume(ResumeInList, _Content):
    """One of the visitor's own resumes."""

    visibility: str = "recommended"
    hiddenFrom: tuple[str, ...] = ()
    linkKey: str | None = None
    linkShows: tuple[str, ...] = ()
    totalExperienceMonths: int = 0
    allowedActions: tuple[str, ...] = ()
    leftOut: tuple[LeftOut, ...] = ()
    """The values of the imported file that were skipped or changed."""


class WholeResume(_Content):
    """A resume with the personal data that its reader may see: a candidate's, or a shared one."""

    headline: str | None = None
    fullName: str | None = None
    contacts: tuple[Contact, ...] = ()
    asOf: Moment | None = None
    """When the company's stored copy was made; None for the current resume."""


class CandidateName(Model):
    """A resume and the name of its candidate."""

    resumeId: str
    fullName: str


class Reader(Model):
    """A company that a resume is shared with."""

    companyName: str | None = None
    openedAt: Moment
    lastReadAt: Moment | None = None
    times: int = 0


class OldResume(Model):
    """A resume that will be deleted, unless it is kept."""

    id: str
    title: str | None = None
    deletedAfter: Moment
