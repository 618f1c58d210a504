"""Partial dates in resumes: a year, a month or a day."""

import re
from datetime import date

from pydantic_core import PydanticCustomError

DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
FIRST_YEAR, LAST_YEAR = 1900, 2100


def check_date(text: str) -> str:
    """Check that a text is `YYYY`, `YYYY-MM` or `YYYY-MM-DD` in the calendar; returns it.

    Raises `PydanticCustomError`, a `ValueError` with a code.
    """
    if not DATE.fullmatch(text):
        raise PydanticCustomError("date_format", "must be YYYY, YYYY-MM or YYYY-MM-DD")
    if not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise PydanticCustomError(
            "year_out_of_range",
            "must be between {min} and {max}",
            {"min": FIRST_YEAR, "max": LAST_YEAR},
        )
    if len(text) == 10:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise PydanticCustomError("no_such_date", "does not exist in the calendar") from None
    return text


def check_period(start: str | None, end: str | None) -> None:
    """Raise `PydanticCustomError` if `end` is before `start` at the precision that both have."""
    if start and end:
        shortest = min(len(start), len(end))
        if end[:shortest] < start[:shortest]:
            raise PydanticCustomError("end_before_start", "end must not be before start")
