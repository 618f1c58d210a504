"""What a service says is wrong, as the pages hold it: a code with its params."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_FIELDS = 50
MOST_LEFT_OUT = 100
MOST_PARAMS = 10
LONGEST_TEXT = 300
LARGEST_NUMBER = 10**15


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong; `Words.problem` has its text in each language."""

    code: str
    params: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    detail: str = ""
    """The service's own text, in English."""
    is_whole: bool = False
    """Whether it is about the whole request, and not about one field."""


def whole_problem(body: Any) -> Problem:
    """The problem in the body of an answer; one without a code if there is none."""
    return _problem(body, is_whole=True)


def field_problems(body: Any) -> dict[str, Problem]:
    """The problems of fields in the body of an answer, by the path of the field: `salary/min`."""
    return {
        place.removeprefix("#/"): problem for place, problem in _listed(body, "errors", MOST_FIELDS)
    }


def left_out(body: Any) -> list[tuple[str, Problem]]:
    """The values of a document that an import has skipped or changed, with their pointers."""
    return list(_listed(body, "leftOut", MOST_LEFT_OUT))


def _listed(body: Any, name: str, most: int) -> Iterator[tuple[str, Problem]]:
    found = body.get(name) if isinstance(body, dict) else None
    for one in found[:most] if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield _text(one.get("pointer", one.get("parameter"))), _problem(one)


def _problem(said: Any, *, is_whole: bool = False) -> Problem:
    found = said if isinstance(said, dict) else {}
    params = found.get("params")
    return Problem(
        _text(found.get("code")),
        dict(list(_scalars(params))[:MOST_PARAMS]) if isinstance(params, dict) else {},
        _text(found.get("detail")),
        is_whole,
    )


def _scalars(params: dict[str, Any]) -> Iterator[tuple[str, str | int | float | bool]]:
    for name, value in params.items():
        if isinstance(value, str):
            yield name, value[:LONGEST_TEXT]
        elif isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER:
            yield name, value


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""
