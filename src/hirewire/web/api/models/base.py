"""The base of all models, and models that several services share."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

ModelT = TypeVar("ModelT", bound="Model")


def _moment(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _day(value: str) -> str:
    date.fromisoformat(value)
    return value


Moment = Annotated[str, AfterValidator(_moment)]
"""A time in ISO 8601."""
Day = Annotated[str, AfterValidator(_day)]
"""A date in ISO 8601."""


class Model(BaseModel):
    """An answer or a part of one; immutable."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    def with_members(self, members: Mapping[str, object]) -> Self:
        """A copy with these fields, unchecked; three times as fast as `model_copy`.

        A page renames hundreds of skills.
        """
        made = type(self).__new__(type(self))
        object.__setattr__(made, "__dict__", {**self.__dict__, **members})
        object.__setattr__(made, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


class Made(Model):
    """A resource that was created or changed."""

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
        """The lowest and the highest amount; here they are equal."""
        return self.amount, self.amount


class Education(Model):
    """An education entry."""

    id: str = ""
    organization: str | None = None
    level: str | None = None
    field: str | None = None
    startYear: int | None = None
    endYear: int | None = None


class Position(Model):
    """A position of the work experience."""

    id: str = ""
    company: str | None = None
    position: str | None = None
    start: str | None = None
    end: str | None = None
    description: str | None = None
    highlights: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
