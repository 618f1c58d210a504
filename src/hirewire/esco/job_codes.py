"""Numbers of occupations, which contain their ISCO groups."""

from typing import Any, NamedTuple

NTH_BITS = 12
OWN_TITLE = 1 << 30
"""Numbers from here on stand for titles that no occupation has, without an ISCO group."""

SAME_UNIT, SAME_MINOR = 50, 30
"""How related occupations of one ISCO unit group and of one minor group are, in per cent."""


class Job(NamedTuple):
    """An occupation that a title means."""

    code: int
    """Its unit group and its number, or `OWN_TITLE` and more for a title of its own."""
    likeness: int
    """1 to 100 per cent."""


def nth_of(code: int) -> int:
    """The place of an occupation among `all_occupations`."""
    return code & ((1 << NTH_BITS) - 1)


def unit_group(code: Any) -> Any:
    """The ISCO unit group of an occupation, of four digits; also of arrays."""
    return code >> NTH_BITS


def related(job: int, other: int) -> int:
    """How related two occupations are, in per cent."""
    if job == other:
        return 100
    if job >= OWN_TITLE or other >= OWN_TITLE:
        return 0
    unit, others = unit_group(job), unit_group(other)
    if unit == others:
        return SAME_UNIT
    return SAME_MINOR if unit // 10 == others // 10 else 0
