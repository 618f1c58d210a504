"""Fields of a form that were filled from a file or a text, to be checked before they are saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter

from hirewire.web.problems import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Value:
    """A field of the form, the line that it was read from, and what is wrong with it."""

    value: str
    line: str = ""
    """Empty if it was not read, or if the line says no more than the field."""
    page: int = 1
    wrong: Problem | None = None


def value_of(text: str, line: str = "", page: int = 1, wrong: Problem | None = None) -> Value:
    """The field with this text, which was read from this line."""
    is_all = _bare(line) == _bare(text.partition("\n")[0])
    return Value(text, "" if is_all else line, page, wrong)


def sent_again(text: str, kind: TypeAdapter[dict[str, T]]) -> dict[str, T]:
    """The lines that a form sends along, as JSON; none if they are not as they were."""
    try:
        return kind.validate_json(text)
    except ValueError:
        return {}


def wrong_at(errors: Mapping[str, Problem], pointer: str) -> Problem | None:
    """What is wrong with a value or a part of it; errors by path."""
    at = pointer.strip("/")
    return next((why for e, why in errors.items() if e == at or e.startswith(f"{at}/")), None)


def _bare(text: str) -> str:
    return text.casefold().removeprefix("https://").strip(" .,;:/")
