"""Rules of a resume: total experience, completeness and status transitions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

MANDATORY = ("title", "skills")
RECOMMENDED = (
    "summary",
    "area",
    "employment_types",
    "work_formats",
    "salary",
    "languages",
    "experience",
    "education",
)
MOVES = {
    "draft": ("published",),
    "published": ("hidden",),
    "hidden": ("published",),
}


@dataclass(frozen=True, slots=True)
class Completeness:
    """How complete a resume is, and which fields are missing."""

    percent: int
    missing_mandatory: tuple[str, ...]
    missing_recommended: tuple[str, ...]


def total_months(periods: Iterable[tuple[str | None, str | None]], today: date) -> int:
    """The number of months in the periods; overlaps count once, and both ends are included.

    A period without an end lasts until `today`. A bare year means January for a start and December
    for an end. A period without a start is ignored, and months after `today` do not count.
    """
    now = today.year * 12 + today.month - 1
    spans = []
    for start, end in periods:
        if start is None:
            continue
        first = _month(start, 1)
        last = min(_month(end, 12) if end else now, now)
        if first <= last:
            spans.append((first, last))
    total, reached = 0, -1
    for first, last in sorted(spans):
        total += max(0, last - max(first, reached + 1) + 1)
        reached = max(reached, last)
    return total


def completeness(resume: Mapping[str, Any]) -> Completeness:
    """The completeness of a resume: a percentage, and the missing fields.

    A mandatory field counts twice as much as a recommended one.
    """
    mandatory = tuple(name for name in MANDATORY if not resume.get(name))
    recommended = tuple(name for name in RECOMMENDED if not resume.get(name))
    whole = 2 * len(MANDATORY) + len(RECOMMENDED)
    missing = 2 * len(mandatory) + len(recommended)
    return Completeness(100 * (whole - missing) // whole, mandatory, recommended)


def moves_from(status: str) -> tuple[str, ...]:
    """The statuses that may follow this one."""
    return MOVES[status]


def allowed_actions(status: str, missing_mandatory: Sequence[str]) -> list[str]:
    """The actions that the owner can take on the resume now."""
    actions = ["edit", "delete", "export"]
    if status == "published":
        actions.append("hide")
    elif not missing_mandatory:
        actions.append("publish")
    return actions


def _month(text: str, default: int) -> int:
    year, _, rest = text.partition("-")
    return int(year) * 12 + (int(rest[:2]) if rest else default) - 1
