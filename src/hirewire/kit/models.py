"""Bases of what comes in and goes out over HTTP."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    HttpUrl,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

MOST_MEMBERS = 200
"""Of an object: naming each of a hundred thousand unknown ones costs seconds."""
LONGEST_LINK = 2000


def _without_nul(value: Any) -> Any:
    """PostgreSQL's text holds every character but NUL; lone surrogates are no characters."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("must not contain the NUL character")
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise ValueError("must be valid Unicode")
    return value


class Body(BaseModel):
    """A request's body: camelCase, nothing unknown, text that a database can hold."""

    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _check_text(cls, data: Any) -> Any:
        if isinstance(data, dict):
            if len(data) > MOST_MEMBERS:
                raise ValueError(f"at most {MOST_MEMBERS} members")
            for name, value in data.items():
                for text in value if isinstance(value, list) else (value,):
                    try:
                        _without_nul(text)
                    except ValueError as error:
                        raise ValueError(f"{name}: {error}") from None
        return data


class Answer(BaseModel):
    """A response's body: camelCase, readable from rows."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


def Text(min: int = 1, max: int = 200) -> Any:  # noqa: N802  (used as a type)
    """A stripped string of `min` to `max` characters: ``title: Text(1, 200)``.

    For mypy's sake write it as ``Annotated[str, text(1, 200)]`` where it complains.
    """
    return Annotated[str, text(min, max)]


def text(min: int = 1, max: int = 200) -> StringConstraints:
    """Constraints of a stripped string of `min` to `max` characters."""
    return StringConstraints(strip_whitespace=True, min_length=min, max_length=max)


def _not_too_long(link: HttpUrl) -> HttpUrl:
    """What is stored is the link in its normal form, which may be longer than what was sent."""
    if len(str(link)) > LONGEST_LINK:
        raise ValueError(f"at most {LONGEST_LINK} characters, with all others than ASCII encoded")
    return link


WebLink = Annotated[HttpUrl, AfterValidator(_not_too_long)]
"""A page's address, http or https."""
NoNul = AfterValidator(_without_nul)
"""For text inside free-form values, which `Body` does not look into."""
