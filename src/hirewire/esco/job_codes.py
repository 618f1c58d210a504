"""Codes of occupations and fields, which contain their ISCO groups and families."""

from typing import Any, NamedTuple

NTH_BITS = 12
FAMILY_BITS = 16
OWN_TITLE = 1 << 30
"""Codes from here on stand for titles without an occupation and without an ISCO group."""

SAME_UNIT, SAME_MINOR = 50, 30
"""The similarity of occupations in one ISCO unit group, and in one minor group, in per cent."""


class Job(NamedTuple):
    """An occupation that matches a title."""

    code: int
    """Its unit group and its number; `OWN_TITLE` or more for a title without an occupation."""
    likeness: int
    """The similarity, 1 to 100 per cent."""


def nth_of(code: int) -> int:
    """The index of an occupation in `all_occupations`."""
    return code & ((1 << NTH_BITS) - 1)


def unit_group(code: Any) -> Any:
    """The ISCO unit group of an occupation, four digits; also accepts arrays."""
    return code >> NTH_BITS


def related(job: int, other: int) -> int:
    """The similarity of two occupations, in per cent."""
    if job == other:
        return 100
    if job >= OWN_TITLE or other >= OWN_TITLE:
        return 0
    unit, others = unit_group(job), unit_group(other)
    if unit == others:
        return SAME_UNIT
    return SAME_MINOR if unit // 10 == others // 10 else 0


def family_of(field: Any) -> Any:
    """The family of a field; also accepts arrays."""
    return field >> FAMILY_BITS
