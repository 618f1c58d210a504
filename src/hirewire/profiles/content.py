"""The content of resumes and profiles: the values of JSON columns, and a resume with its parts."""

from collections.abc import Mapping
from datetime import datetime
from typing import NotRequired, TypedDict
from uuid import UUID

from pydantic import JsonValue

Imported = Mapping[str, JsonValue]
"""An imported JSON Resume, or a part of one: it may have any members."""
Fields = dict[str, JsonValue]
"""New values of columns, by name. Requests are checked by their models, documents by `Part`."""


class Salary(TypedDict):
    """An expected salary."""

    amount: int
    currency: str
    unit: str


class Skill(TypedDict):
    """A skill and its level (1 to 5)."""

    name: str
    level: int | None


class Language(TypedDict):
    """A language and its level."""

    language: str
    level: str | None


class Certificate(TypedDict):
    """A certificate."""

    name: str
    issuer: str | None
    date: str | None
    url: str | None


class Link(TypedDict):
    """A link."""

    url: str
    label: str | None


class Project(TypedDict):
    """A project and its results."""

    name: str
    url: str | None
    start: str | None
    end: str | None
    description: str | None
    highlights: list[str]


class Contact(TypedDict):
    """A contact of a person."""

    kind: str
    value: str
    preferred: bool


class Entry(TypedDict):
    """An entry of a section that is shown but cannot be edited."""

    title: str | None
    by: str | None
    text: str | None
    start: str | None
    end: str | None
    url: str | None
    lines: list[str]


class Position(TypedDict):
    """A position of the work experience, as a row."""

    id: UUID
    company: str | None
    position: str | None
    start: str | None
    end: str | None
    description: str | None
    highlights: list[str]
    skills: list[str]
    imported: NotRequired[Imported | None]


class Study(TypedDict):
    """A course of study, as a row."""

    id: UUID
    organization: str | None
    level: str | None
    field: str | None
    start_year: int | None
    end_year: int | None
    imported: NotRequired[Imported | None]


class Owner(TypedDict, total=False):
    """The owner's data in a resume; empty until the owner has a profile."""

    full_name: str | None
    headline: str | None
    contacts: list[Contact]
    """The contacts that permitted readers see."""
    locale: str | None
    profile_links: list[Link]


class Content(Owner):
    """A resume with its owner, experience and education, as rows or as a copy of them in JSON."""

    id: UUID | str
    version: int
    title: str | None
    summary: str | None
    area: str | None
    relocation: bool
    employment_types: list[str]
    work_formats: list[str]
    salary: Salary | None
    skills: list[Skill]
    languages: list[Language]
    certificates: list[Certificate]
    links: list[Link]
    projects: list[Project]
    link_shows: NotRequired[list[str]]
    updated_at: datetime | str
    imported: Imported | None
    """The imported document; in a copy, only the sections that are shown."""
    experience: list[Position]
    education: list[Study]
