"""Dates as resumes have them: as exact as people remember."""

import re
from datetime import date

DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
FIRST_YEAR, LAST_YEAR = 1900, 2100


def check_date(text: str) -> str:
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD` that is in the calendar. Raises `ValueError`."""
    if not DATE.fullmatch(text):
        raise ValueError("must be YYYY, YYYY-MM or YYYY-MM-DD")
    if not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise ValueError(f"must be between {FIRST_YEAR} and {LAST_YEAR}")
    if len(text) == 10:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ValueError("is not in the calendar") from None
    return text


def check_period(start: str | None, end: str | None) -> None:
    """Raises `ValueError` when `end` is before `start`, as far as their precision tells."""
    if start and end:
        shortest = min(len(start), len(end))
        if end[:shortest] < start[:shortest]:
            raise ValueError("end must not be before start")
