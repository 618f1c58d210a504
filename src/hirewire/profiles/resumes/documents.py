"""Checking a JSON Resume that somebody sends: what we read must fit, what we do not is kept."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hirewire.kit.errors import FieldError, Invalid
from hirewire.profiles.resumes.rules import check_date

DEEPEST = 20
MOST_VALUES = 100_000
LONGEST = 100_000

Text = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(max_length=500)]
Date = Annotated[str, AfterValidator(lambda text: check_date(text) if text else text)]


class _Kept(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Location(_Kept):
    """`basics.location`."""

    city: Name | None = None
    region: Name | None = None


class Network(_Kept):
    """An entry of `basics.profiles`."""

    network: Name | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None


class Basics(_Kept):
    """`basics`."""

    label: Annotated[str, Field(max_length=200)] | None = None
    summary: Text | None = None
    location: Location | None = None
    profiles: Annotated[list[Network], Field(max_length=100)] | None = None


class Work(_Kept):
    """An entry of `work`; `company` is the 0.x name of `name`."""

    name: Name | None = None
    company: Name | None = None
    position: Name | None = None
    startDate: Date | None = None  # noqa: N815
    endDate: Date | None = None  # noqa: N815
    summary: Text | None = None


class Education(_Kept):
    """An entry of `education`."""

    institution: Name | None = None
    area: Name | None = None
    studyType: Name | None = None  # noqa: N815
    startDate: Date | None = None  # noqa: N815
    endDate: Date | None = None  # noqa: N815


class Skill(_Kept):
    """An entry of `skills`: one, or with keywords a group."""

    name: Name | None = None
    level: Name | None = None
    keywords: Annotated[list[Name], Field(max_length=200)] | None = None


class Language(_Kept):
    """An entry of `languages`."""

    language: Name | None = None
    fluency: Name | None = None


class Certificate(_Kept):
    """An entry of `certificates`."""

    name: Name | None = None
    issuer: Name | None = None
    date: Name | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None


class JsonResume(_Kept):
    """A JSON Resume 1.0.0. Nothing is required; unknown keys are kept."""

    basics: Basics | None = None
    work: Annotated[list[Work], Field(max_length=100)] | None = None
    education: Annotated[list[Education], Field(max_length=100)] | None = None
    skills: Annotated[list[Skill], Field(max_length=200)] | None = None
    languages: Annotated[list[Language], Field(max_length=100)] | None = None
    certificates: Annotated[list[Certificate], Field(max_length=100)] | None = None


class BadDocument(Invalid):
    """This JSON Resume cannot be taken."""


def check_values(document: Any) -> None:
    """Raises `BadDocument`, with a pointer, for what no database could keep or nobody would send.

    NUL characters, lone surrogates, numbers that are none, texts over 100,000 characters, more
    than 20 levels or 100,000 values.
    """
    stack: list[tuple[Any, str, int]] = [(document, "#", 0)]
    count = 0
    while stack:
        value, pointer, depth = stack.pop()
        count += 1
        if count > MOST_VALUES:
            raise BadDocument(errors=[FieldError("#", f"more than {MOST_VALUES} values")])
        if depth > DEEPEST:
            raise BadDocument(errors=[FieldError(pointer, f"deeper than {DEEPEST} levels")])
        if isinstance(value, dict):
            for key, inner in value.items():
                _check_text(key, pointer)
                escaped = key.replace("~", "~0").replace("/", "~1")[:100]
                stack.append((inner, f"{pointer}/{escaped}", depth + 1))
        elif isinstance(value, list):
            stack += [(inner, f"{pointer}/{nth}", depth + 1) for nth, inner in enumerate(value)]
        elif isinstance(value, str):
            _check_text(value, pointer)
        elif isinstance(value, float) and not math.isfinite(value):
            raise BadDocument(errors=[FieldError(pointer, "not a number that JSON has")])


def _check_text(text: str, pointer: str) -> None:
    if len(text) > LONGEST:
        raise BadDocument(errors=[FieldError(pointer, f"longer than {LONGEST} characters")])
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise BadDocument(errors=[FieldError(pointer, "a NUL character, or invalid Unicode")])
