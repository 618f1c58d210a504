"""Presenters of vacancies and resumes, shared by all features of `vacancies`."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    not_,
    select,
)

from hirewire.kit.models import Answer
from hirewire.vacancies import states
from hirewire.vacancies.tables import application, company, resume, saved_vacancy, vacancy


class RequiredSkill(Answer):
    """A required skill."""

    skill: str
    kind: str = "must"
    level: int | None = None


class KnownSkill(Answer):
    """A skill of a candidate."""

    name: str
    level: int | None = None


class NamedLanguage(Answer):
    """A language and its level, required or spoken."""

    language: str
    level: str | None = None


class OfferedSalary(Answer):
    """The salary of a vacancy."""

    min: int | None = None
    max: int | None = None
    currency: str
    unit: str = "MONTH"
    gross: bool = True


class ExpectedSalary(Answer):
    """The salary that a candidate expects."""

    amount: int
    currency: str
    unit: str = "MONTH"


HeldBy = Literal["taken_down", "company_taken_down", "owner_blocked"]


class Vacancy(Answer):
    """A vacancy. Only its employer gets `allowedActions`."""

    id: UUID
    company_id: UUID
    company_name: str
    company_logo: str | None
    """The path of the company's logo."""
    company_verified: bool
    """Whether the company is verified: see `/companies/{id}`."""
    version: int
    status: str
    close_reason: str | None
    title: str
    description: str | None
    requirements: list[RequiredSkill]
    experience: str | None
    employment_type: str | None
    work_format: str | None
    area: str | None
    address: str | None
    salary: OfferedSalary | None
    languages: list[NamedLanguage]
    valid_through: date | None
    response_letter_required: bool
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    held: HeldBy | None = None
    """Why it is not shown, whatever its status: only its employer and operators can read it then.
    """
    allowed_actions: list[str] = []
    api_key: str | None = None
    """The name of the API key that created it; only its employer sees this."""
    saved: bool | None = None
    """Whether you have saved it; null if you are not signed in, and in responses to changes."""


def is_open() -> ColumnElement[bool]:
    """A condition: a vacancy is shown to everybody and may get applications."""
    return and_(vacancy.c.status == "published", not_(vacancy.c.held))


def vacancies_with_company(reader: UUID | None = None) -> Select[Any]:
    """Vacancies, each with its company's name and logo, and whether `reader` has saved it."""
    columns = (
        vacancy,
        company.c.name.label("company_name"),
        company.c.logo_key,
        company.c.taken_down.label("company_taken_down"),
        company.c.verified_at.is_not(None).label("company_verified"),
    )
    statement: Select[Any] = select(*columns).join(company, company.c.id == vacancy.c.company_id)
    if reader is None:
        return statement
    is_saved = exists().where(
        saved_vacancy.c.user_id == reader, saved_vacancy.c.vacancy_id == vacancy.c.id
    )
    return statement.add_columns(is_saved.label("saved"))


def logo_path(company_id: UUID, key: str | None) -> str | None:
    """The path of a company's logo; a new logo has a new path."""
    return f"/api/vacancies/companies/{company_id}/logo?key={key}" if key else None


def shown_vacancy(row: Row[Any], company: UUID | None) -> dict[str, object]:
    """The fields of a `Vacancy` for a member of this company (None: without a company)."""
    is_own = row.company_id == company
    actions = states.allowed_actions(row.status, held=row.held) if is_own else []
    logo = logo_path(row.company_id, row.logo_key)
    shown = {"allowed_actions": actions, "company_logo": logo, "held": held_by(row)}
    return dict(row._mapping) | shown | {"api_key": row.api_key if is_own else None}


def held_by(row: Row[Any]) -> HeldBy | None:
    """Why a vacancy (a row of `vacancies_with_company`) is not shown; None if it is."""
    if not row.held:
        return None
    if row.taken_down:
        return "taken_down"
    return "company_taken_down" if row.company_taken_down else "owner_blocked"


class Card(Answer):
    """A resume as employers see it, without name and contacts."""

    title: str | None
    area: str | None
    relocation: bool
    experience_months: int
    skills: list[KnownSkill]
    languages: list[NamedLanguage]
    salary: ExpectedSalary | None


def card_of(snapshot: Mapping[str, Any]) -> Card:
    """The card for a resume's snapshot."""
    return Card(
        title=snapshot.get("title"),
        area=snapshot.get("area"),
        relocation=bool(snapshot.get("relocation")),
        experience_months=snapshot.get("experienceMonths") or 0,
        skills=snapshot.get("skills") or [],
        languages=snapshot.get("languages") or [],
        salary=snapshot.get("salary"),
    )


def hidden_from(company_id: UUID | ColumnElement[UUID]) -> ColumnElement[bool]:
    """A condition: a row of `resume` is hidden from this company (its id, or a column of ids)."""
    id = str(company_id) if isinstance(company_id, UUID) else cast(company_id, Text)
    return func.coalesce(resume.c.snapshot["hiddenFrom"].has_key(id), false())


def visible_to(company_id: UUID | ColumnElement[UUID]) -> ColumnElement[bool]:
    """A condition: this company may see a row of `resume` even without an application.

    The resume is published, can be found, and is not hidden from the company.
    """
    return and_(
        resume.c.state == "visible",
        resume.c.snapshot["status"].astext == "published",
        ~hidden_from(company_id),
    )


def unread_for_company(user_id: UUID) -> ColumnElement[bool]:
    """A condition: a row of `application` has changes that its company has not seen.

    `user_id` is the asking member. Their own applications to the company are left out: they read
    them as the applicant.
    """
    table = application.c
    return and_(table.employer_news > table.employer_seen, table.user_id != user_id)
