"""Problems that a service reports, as pages hold them: a code with its params."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_FIELDS = 50
MOST_PARAMS = 10
LONGEST_TEXT = 300
LARGEST_NUMBER = 10**15


Params = Mapping[str, str | int | float | bool]
"""The values in the text of a problem, by name."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem; `Words.problem` gives its text in each language."""

    code: str
    params: Params = field(default_factory=dict)
    detail: str = ""
    """The text of the service, in English."""
    is_whole: bool = False
    """Whether it concerns the whole request and not one field."""


def whole_problem(body: Any) -> Problem:
    """The problem in the body of an answer; one with an empty code if there is none."""
    return read_problem(body, is_whole=True)


def field_problems(body: Any) -> dict[str, Problem]:
    """The problems of fields in the body of an answer, by path, such as `salary/min`."""
    listed = body.get("errors") if isinstance(body, dict) else None
    return {
        _text(one.get("pointer", one.get("parameter"))).removeprefix("#/"): read_problem(one)
        for one in (listed[:MOST_FIELDS] if isinstance(listed, list) else ())
        if isinstance(one, dict)
    }


def read_problem(said: Any, *, is_whole: bool = False) -> Problem:
    """The problem in the members of a JSON object."""
    found = said if isinstance(said, dict) else {}
    params = found.get("params")
    return Problem(
        _text(found.get("code")),
        dict(list(_scalars(params))[:MOST_PARAMS]) if isinstance(params, dict) else {},
        _text(found.get("detail")),
        is_whole,
    )


def _scalars(params: Mapping[str, object]) -> Iterator[tuple[str, str | int | float | bool]]:
    for name, value in params.items():
        if isinstance(value, str):
            yield name, value[:LONGEST_TEXT]
        elif isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER:
            yield name, value


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""
