"""The base of all models, and what several services answer alike."""

from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

ModelT = TypeVar("ModelT", bound="Model")


def _moment(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _day(value: str) -> str:
    date.fromisoformat(value)
    return value


Moment = Annotated[str, AfterValidator(_moment)]
"""A time, as it is written in ISO 8601."""
Day = Annotated[str, AfterValidator(_day)]
"""A date, likewise."""


class Model(BaseModel):
    """An answer or a part of one; it cannot be changed."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Made(Model):
    """What was created or changed."""

    id: str


class Items(Model, Generic[ModelT]):
    """A list, or a page of one."""

    items: tuple[ModelT, ...]
    next: str | None = None
    """The position of the next page."""


class Skill(Model):
    """A skill and its level, 1 to 5."""

    name: str
    level: int | None = None


class SpokenLanguage(Model):
    """A language and its level."""

    language: str
    level: str | None = None


class ExpectedSalary(Model):
    """The salary that a candidate expects."""

    amount: int | None = None
    currency: str
    unit: str = "MONTH"

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The lowest and the highest amount, which are the same."""
        return self.amount, self.amount


class Education(Model):
    """An education entry."""

    id: str = ""
    organization: str | None = None
    level: str | None = None
    field: str | None = None
    startYear: int | None = None
    endYear: int | None = None
