"""Request and response bodies of vacancies."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from hirewire.contracts.vocabulary import EmploymentType, Experience, LanguageLevel, WorkFormat
from hirewire.kit.clock import today
from hirewire.kit.models import Answer, Body, Row, text
from hirewire.kit.rows import Counted, DoneRow, SentRow
from hirewire.vacancies.pay import Salary
from hirewire.vacancies.posting.rules import repeated, sanitised
from hirewire.vacancies.presenters import NamedLanguage, OfferedSalary, RequiredSkill

Name = Annotated[str, text(1, 200)]
MOST_ROWS = 500
LONGEST_ADVERT = 20_000


def _not_past(value: date) -> date:
    if value < today():
        raise PydanticCustomError("in_the_past", "must not be in the past")
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise PydanticCustomError("day_format", "must be a day as YYYY-MM-DD")
    return value


class Requirement(Body):
    """A required skill."""

    skill: Name
    kind: Literal["must", "nice"] = "must"
    level: Annotated[int, Field(ge=1, le=5)] | None = None


class LanguageWanted(Body):
    """A required language."""

    language: Name
    level: LanguageLevel | None = None


def _each_skill_once(values: list[Requirement]) -> list[Requirement]:
    _check_repeated([value.skill for value in values])
    return values


def _each_language_once(values: list[LanguageWanted]) -> list[LanguageWanted]:
    _check_repeated([value.language for value in values])
    return values


def _check_repeated(names: list[str]) -> None:
    if (name := repeated(names)) is not None:
        raise PydanticCustomError("listed_twice", "{name} is listed twice", {"name": name})


Requirements = Annotated[list[Requirement], Field(max_length=100), AfterValidator(_each_skill_once)]
Languages = Annotated[
    list[LanguageWanted], Field(max_length=50), AfterValidator(_each_language_once)
]


class VacancyChanges(Body):
    """The editable fields. Fields that are not sent stay unchanged; null clears, lists replace."""

    title: Name = ""
    description: Annotated[str, text(1, 50_000), AfterValidator(sanitised)] | None = None
    requirements: Requirements | None = None
    experience: Experience | None = None
    employment_type: EmploymentType | None = None
    work_format: WorkFormat | None = None
    area: Name | None = None
    address: Annotated[str, text(1, 500)] | None = None
    salary: Salary | None = None
    languages: Languages | None = None
    valid_through: Annotated[date, BeforeValidator(_day), AfterValidator(_not_past)] | None = None
    response_letter_required: bool | None = None


class NewVacancy(VacancyChanges):
    """A new draft vacancy; a title is required."""

    title: Name


class ImportedVacancy(NewVacancy, SentRow):
    """A vacancy of the company's other system, with its key there."""


class VacancyImport(Body):
    """Vacancies to create or to update, each a row of its own."""

    vacancies: Annotated[list[Annotated[Any, Row(ImportedVacancy)]], Field(max_length=MOST_ROWS)]
    publish: bool = False
    """Whether to publish those that are new or still drafts."""
    update: bool = True
    """Whether to change and publish those that are known; else they stay as they are here."""


class VacanciesImported(Counted):
    """The numbers of rows by their outcome, and each row in the order of the request."""

    rows: list[DoneRow]


class Advert(Body):
    """The text of a job advert."""

    text: Annotated[str, text(1, LONGEST_ADVERT)]


class AdvertLine(Answer):
    """A line of the text, from one."""

    line: int
    text: str


class DraftVacancy(Answer):
    """What was read of an advert; a vacancy can be created of it. What was not read is null."""

    title: str | None
    description: str | None
    """The text as HTML, without lines that say no more than a field."""
    requirements: list[RequiredSkill]
    experience: Experience | None
    employment_type: EmploymentType | None
    work_format: WorkFormat | None
    area: str | None
    salary: OfferedSalary | None
    languages: list[NamedLanguage]


class ReadVacancy(Answer):
    """A draft to be checked. Nothing of it is kept."""

    vacancy: DraftVacancy
    sources: dict[str, AdvertLine]
    """The line that a value came from, by JSON pointer into the vacancy."""


class Close(Body):
    """The reason for closing."""

    reason: Literal["filled", "cancelled", "expired"] = "filled"


class VacancyFigures(Answer):
    """A vacancy of your company with its figures."""

    id: UUID
    title: str
    status: str
    held: bool
    """Whether it is not shown, whatever its status."""
    area: str | None
    created_at: datetime
    published_at: datetime | None
    valid_through: date | None
    days_open: int | None
    """Full days since publication; null if it is not open."""
    applications: int
    """All applications it received, including invitations."""
    unread: int
    """The number of applications with changes that you have not seen."""
    matches: int
    """The number of matching candidates, without dismissed ones; 1000 stands for 1000 or more."""
    new_matches: int
    """The number of matching candidates without a decision."""
