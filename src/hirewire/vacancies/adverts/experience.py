"""The experience that a line asks for."""

import re

from hirewire.vacancies.adverts.lines import Line
from hirewire.vacancies.adverts.words import (
    AT_LEAST,
    BUCKETS,
    FROM_A_YEAR,
    HALF_A_YEAR,
    NO_EXPERIENCE,
    NUMBERS,
    OF_EXPERIENCE,
    YEARS,
)

_EXACTLY = re.compile(r"(?:at least|minimum(?: of)?|min\.?|не менее|минимум|от)\s")


def experience_in(line: Line, *, is_labelled: bool = False) -> str | None:
    """A value of `Experience`; None for a line that says nothing of it."""
    said = line.plain
    if NO_EXPERIENCE.search(said):
        return "noExperience"
    is_about = is_labelled or OF_EXPERIENCE.search(said) is not None
    is_required = line.part in ("must", "nice", "experience") or (
        line.part == "top" and AT_LEAST.search(said) is not None
    )
    if not is_about and not is_required:
        return None
    exact = (YEARS.match(said, found.end()) for found in _EXACTLY.finditer(said))
    match = next((one for one in reversed(list(exact)) if one), None) or YEARS.search(said)
    if match is None and is_about and HALF_A_YEAR.search(said):
        return "noExperience"
    if match is None:
        return "between1And3" if is_about and FROM_A_YEAR.search(said) else None
    count = match["count"]
    months = int(count) if count.isdecimal() else NUMBERS[count]
    if not match["unit"].startswith(("m", "мес")):
        months *= 12
    if not is_about and months > 120:
        return None
    if re.search(r"(?:^|\W)(?:до|up to|under|less than)\s*$", said[: match.start()]):
        months = 0 if months <= 12 else 12
    return next((name for below, name in BUCKETS if months < below), "moreThan6")
