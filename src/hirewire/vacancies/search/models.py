"""Request and response bodies of searches."""

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


class Typed(Body):
    """What was typed into the field of a search."""

    q: Annotated[str, Field(max_length=200)] = ""


class Filters(Typed):
    """The filters of a search. A result has any of a field's values, but all values of `skill`."""

    area: Annotated[list[Written], Field(max_length=MOST_VALUES)] = []
    skill: Annotated[list[Written], Field(max_length=MOST_VALUES)] = []
    work_format: Annotated[list[WorkFormat], Field(max_length=MOST_VALUES)] = []
    employment_type: Annotated[list[EmploymentType], Field(max_length=MOST_VALUES)] = []
    experience: Annotated[list[Experience], Field(max_length=MOST_VALUES)] = []
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    sort: Order | None = None
    """The default is `relevance` if there are words, otherwise `date`."""

    @property
    def order(self) -> query.Order:
        """The index's name for the order."""
        given = self.sort or ("relevance" if self.q.strip() else "date")
        return "time" if given == "date" else given


def _no_currency() -> PydanticCustomError:
    return PydanticCustomError(
        "currency_required", "currency is required when amounts are compared"
    )


class VacancyFilters(Filters):
    """The filters of a vacancy search."""

    company: Annotated[list[UUID], Field(max_length=MOST_VALUES)] = []
    salary_from: Annotated[int, Field(ge=0, le=10**12)] | None = None
    """The lowest upper end of the monthly salary, in `currency`."""
    days: Annotated[int, Field(ge=1, le=365)] | None = None
    """The maximum number of days since publication."""

    @model_validator(mode="after")
    def _amounts_have_a_currency(self) -> Self:
        if self.currency is None and (self.salary_from is not None or self.sort == "pay"):
            raise _no_currency()
        return self


class ResumeFilters(Filters):
    """The filters of a resume search."""

    salary_to: Annotated[int, Field(ge=0, le=10**12)] | None = None
    """The highest expected monthly salary, in `currency`."""

    @model_validator(mode="after")
    def _amounts_have_a_currency(self) -> Self:
        if self.currency is None and (self.salary_to is not None or self.sort == "pay"):
            raise _no_currency()
        return self


class FeedQuery(VacancyFilters):
    """The search of a feed, as a query string."""

    is_text = True


class VacancyQuery(FeedQuery):
    """A search for vacancies, as a query string."""

    limit: Annotated[int, Query(ge=1, le=100)] = 20
    after: Annotated[str | None, Query(max_length=1000)] = None
    facets: bool = False
    mine: bool = False
    brief: bool = False
    """Whether to leave out descriptions: `description` is then null."""
    widen: bool = False
    """Whether fewer than 5 results of `q` are followed by those of related titles and skills.

    Each of these has `widened`. They come after all other results, also on later pages.
    """


class ResumeQuery(ResumeFilters):
    """A search for resumes, as a query string."""

    is_text = True

    limit: Annotated[int, Query(ge=1, le=100)] = 20
    after: Annotated[str | None, Query(max_length=1000)] = None
    facets: bool = False
    widen: bool = False
    """Whether fewer than 5 results of `q` are followed by those of related titles and skills.

    Each of these has `widened`. They come after all other results, also on later pages.
    """


class Bucket(Answer):
    """A value and its count."""

    value: str
    label: str
    label_ru: str | None = None
    """The Russian label, for places that have one."""
    count: int


class Highlights(Answer):
    """HTML fragments: escaped text, with matches in `<mark>`.

    The description is included only if the title does not match.
    """

    title: str | None = None
    description: str | None = None


class Widened(Answer):
    """What a result of a widened search was found by."""

    by: Literal["title", "skill"]
    """`title`: the same or a related occupation; `skill`: a related skill."""
    name: str
    """The words of the vacancy or resume that name the title or skill."""


class VacancyFound(Vacancy):
    """A vacancy in a list, with `highlights` for a text search."""

    highlights: Highlights | None = None
    widened: Widened | None = None
    """Null for a result of the words themselves."""


class ResumeFound(Answer):
    """A resume in a list, without name and contacts."""

    resume_id: UUID
    updated_at: datetime
    resume: Card
    title_marked: str | None = None
    widened: Widened | None = None
    """Null for a result of the words themselves."""


class _Results(Answer):
    next: str | None = None
    total: int | None = None
    """Null in the list of your own vacancies, and while the index is being built."""
    facets: dict[str, list[Bucket]] | None = None
    corrected: dict[str, str] = {}
    """Words without any match, and how the other keyboard layout types them."""
    tolerated: list[str] = []
    """Words without any match that were replaced by similar words."""
    widened_total: int = 0
    """The number of results with `widened`, on all pages."""


class VacancyResults(_Results):
    """A page of vacancies. `total` and `facets` do not count those with `widened`."""

    items: list[VacancyFound]


class ResumeResults(_Results):
    """A page of resumes. `total` and `facets` do not count those with `widened`."""

    items: list[ResumeFound]


class BoardCounts(Answer):
    """Counts of the whole board."""

    vacancies: int
    """The number of open vacancies."""
    companies: int
    """The number of companies with open vacancies."""


class NewSavedSearch(Body):
    """A vacancy search to save."""

    name: Annotated[str, text(1, 100)]
    query: VacancyFilters
    alerts: bool = True
    """Whether to be notified of vacancies that are published from now on and meet it."""


class SavedSearch(Answer):
    """A saved search, with the number of new vacancies since it was last opened."""

    id: UUID
    name: str
    query: dict[str, JsonValue]
    """The filters, as parameters of a search."""
    created_at: datetime
    seen_at: datetime
    new: int | None
    """Null while the index is being built."""
    alerts: bool
    """Whether you are notified of new vacancies that meet it."""
