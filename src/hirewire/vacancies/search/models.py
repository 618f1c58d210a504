"""Searches as they are asked and answered."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from hirewire.contracts.vocabulary import EmploymentType, Experience, WorkFormat
from hirewire.kit.models import Answer, Body, text
from hirewire.vacancies.presenters import Card, Vacancy
from hirewire.vacancies.search.index import query

Written = Annotated[str, text(1, 200)]
Order = Literal["date", "relevance", "pay"]
MOST_VALUES = 20


class Filters(Body):
    """The filters of a search. Values of one field: any of them; of `skill`: all of them."""

    q: Annotated[str, Field(max_length=200)] = ""
    area: Annotated[list[Written], Field(max_length=MOST_VALUES)] = []
    skill: Annotated[list[Written], Field(max_length=MOST_VALUES)] = []
    work_format: Annotated[list[WorkFormat], Field(max_length=MOST_VALUES)] = []
    employment_type: Annotated[list[EmploymentType], Field(max_length=MOST_VALUES)] = []
    experience: Annotated[list[Experience], Field(max_length=MOST_VALUES)] = []
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    sort: Order | None = None
    """By default `relevance` where there are words, else `date`."""

    @property
    def order(self) -> query.Order:
        """The name that the index has for the order."""
        given = self.sort or ("relevance" if self.q.strip() else "date")
        return "time" if given == "date" else given


def _no_currency() -> PydanticCustomError:
    return PydanticCustomError(
        "currency_required", "currency is required when amounts are compared"
    )


class VacancyFilters(Filters):
    """Facets of a vacancy search."""

    company: Annotated[list[UUID], Field(max_length=MOST_VALUES)] = []
    salary_from: Annotated[int, Field(ge=0, le=10**12)] | None = None
    """A month, of the upper end, in `currency`."""
    days: Annotated[int, Field(ge=1, le=365)] | None = None
    """Published within so many days."""

    @model_validator(mode="after")
    def _amounts_have_a_currency(self) -> Self:
        if self.currency is None and (self.salary_from is not None or self.sort == "pay"):
            raise _no_currency()
        return self


class ResumeFilters(Filters):
    """Of resumes."""

    salary_to: Annotated[int, Field(ge=0, le=10**12)] | None = None
    """A month, of what is expected, in `currency`."""

    @model_validator(mode="after")
    def _amounts_have_a_currency(self) -> Self:
        if self.currency is None and (self.salary_to is not None or self.sort == "pay"):
            raise _no_currency()
        return self


class FeedQuery(VacancyFilters):
    """What a feed is of, as a query string."""

    is_text = True


class VacancyQuery(FeedQuery):
    """A search for vacancies, as a query string."""

    limit: Annotated[int, Query(ge=1, le=100)] = 20
    after: Annotated[str | None, Query(max_length=1000)] = None
    facets: bool = False
    mine: bool = False
    brief: bool = False
    """Without the descriptions: `description` is null."""


class ResumeQuery(ResumeFilters):
    """A search for resumes, as a query string."""

    is_text = True

    limit: Annotated[int, Query(ge=1, le=100)] = 20
    after: Annotated[str | None, Query(max_length=1000)] = None
    facets: bool = False


class Bucket(Answer):
    """A value and its count."""

    value: str
    label: str
    label_ru: str | None = None
    """In Russian, of a place that has a name there."""
    count: int


class Highlights(Answer):
    """HTML fragments: escaped text, with matches in `<mark>`.

    The description is there only when the title does not match.
    """

    title: str | None = None
    description: str | None = None


class VacancyFound(Vacancy):
    """A vacancy in a list, with `highlights` for a text search."""

    highlights: Highlights | None = None


class ResumeFound(Answer):
    """A resume in a list, without name and contacts."""

    resume_id: UUID
    updated_at: datetime
    resume: Card
    title_marked: str | None = None


class _Results(Answer):
    next: str | None = None
    total: int | None = None
    """None in a list of one's own, and while the index is being made."""
    facets: dict[str, list[Bucket]] | None = None
    corrected: dict[str, str] = {}
    """Words that nobody uses, read as typed on the other keyboard."""
    tolerated: list[str] = []
    """Words that nobody uses; similar ones were looked for."""


class VacancyResults(_Results):
    """A page of vacancies."""

    items: list[VacancyFound]


class ResumeResults(_Results):
    """A page of resumes."""

    items: list[ResumeFound]


class BoardCounts(Answer):
    """Counts of the whole board."""

    vacancies: int
    """Open ones."""
    companies: int
    """With open vacancies."""


class NewSavedSearch(Body):
    """A vacancy search to save."""

    name: Annotated[str, text(1, 100)]
    query: VacancyFilters


class SavedSearch(Answer):
    """A saved search, with the number of new vacancies since it was last opened."""

    id: UUID
    name: str
    query: dict[str, JsonValue]
    """Its filters, as they are sent to a search."""
    created_at: datetime
    seen_at: datetime
    new: int | None
    """None while the index is being made."""
