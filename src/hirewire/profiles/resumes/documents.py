"""Checks of a submitted JSON Resume before it is imported."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hirewire.kit.errors import FieldError, Invalid
from hirewire.profiles.reading import LeftOut
from hirewire.profiles.resumes.jsonresume import is_resume

DEEPEST = 20
MOST_VALUES = 100_000
LONGEST = 100_000


class BadDocument(Invalid):
    """This JSON Resume could not be imported."""

    code = "bad_document"


def check_document(document: Mapping[str, object]) -> None:
    """Raise `BadDocument` if the document cannot be stored or is not a resume."""
    check_values(document)
    if not is_resume(document):
        raise BadDocument(
            errors=[FieldError("#", "has none of the content of a JSON Resume", "not_a_resume")]
        )


def within(error: BadDocument, pointer: str) -> BadDocument:
    """The error of a document that is a part of a body."""
    return BadDocument(
        errors=[replace(one, pointer=f"#{pointer}{one.pointer[1:]}") for one in error.errors]
    )


CODES = {"cut": "string_too_long", "dates_left_out": "end_before_start"}
"""Codes of what is changed or left out, as codes of what is refused."""


def check_complete(left_out: Sequence[LeftOut]) -> None:
    """Raise `BadDocument` if a value was cut or could not be read."""
    errors = [
        FieldError(one.pointer, one.detail, CODES.get(one.code, one.code), dict(one.params))
        for one in left_out
        if one.code != "read_as"
    ]
    if errors:
        raise BadDocument(errors=errors)


def check_values(document: Any) -> None:
    """Raise `BadDocument` with a pointer to a value that cannot be stored or exceeds a limit.

    Refuses NUL characters, lone surrogates, NaN and infinite numbers, texts over 100,000
    characters, more than 20 levels and more than 100,000 values.
    """
    stack: list[tuple[Any, str, int]] = [(document, "#", 0)]
    count = 0
    while stack:
        value, pointer, depth = stack.pop()
        count += 1
        if count > MOST_VALUES:
            detail = f"more than {MOST_VALUES} values"
            raise BadDocument(
                errors=[FieldError("#", detail, "too_many_values", {"max": MOST_VALUES})]
            )
        if depth > DEEPEST:
            detail = f"deeper than {DEEPEST} levels"
            raise BadDocument(errors=[FieldError(pointer, detail, "too_deep", {"max": DEEPEST})])
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
            raise BadDocument(
                errors=[FieldError(pointer, "not a valid JSON number", "not_a_number")]
            )


def _check_text(text: str, pointer: str) -> None:
    if len(text) > LONGEST:
        detail, limit = f"longer than {LONGEST} characters", {"max_length": LONGEST}
        raise BadDocument(errors=[FieldError(pointer, detail, "string_too_long", limit)])
    try:
        text.encode()
    except UnicodeEncodeError:
        is_storable = False
    else:
        is_storable = "\x00" not in text
    if not is_storable:
        detail = "a NUL character, or invalid Unicode"
        raise BadDocument(errors=[FieldError(pointer, detail, "unsupported_character")])
