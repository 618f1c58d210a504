"""What the rules compare: a vacancy's demand and a resume's offer.

All input is numeric: skills, places, languages and currencies are codes (`code`), salaries are per
month. Personal data cannot enter, because there is no field for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

WORK_FORMATS = {"on_site": 1, "hybrid": 2, "remote": 4}
EMPLOYMENT_TYPES = {
    "FULL_TIME": 1,
    "PART_TIME": 2,
    "CONTRACTOR": 4,
    "TEMPORARY": 8,
    "INTERN": 16,
    "VOLUNTEER": 32,
    "PER_DIEM": 64,
    "OTHER": 128,
}
LEVELS = {"A1": 1, "A2": 2, "B1": 3, "B2": 4, "C1": 5, "C2": 6, "native": 7}
BANDS = {"noExperience": 0, "between1And3": 1, "between3And6": 2, "moreThan6": 3}
BAND_MONTHS = (0, 12, 36, 72)
"""The number of months at which each band begins."""


SKILLS_PRESUMED, LANGUAGES_PRESUMED, EXPERIENCE_PRESUMED = 1, 2, 4
"""Bits of `Demand.presumed`."""


class Ask(NamedTuple):
    """A skill that a vacancy requires."""

    code: int
    must: bool
    level: int
    """1 to 5; 0 for none."""
    weight: float
    close: tuple[int, ...] = ()
    """The skills that are close to it, which count in part."""


class Have(NamedTuple):
    """A skill that a resume offers."""

    level: int
    """1 to 5; 0 for none."""
    weight: float
    place: int
    """The position of the skill among the resume's skills, in reading order."""

    @property
    def is_implied(self) -> bool:
        """Whether it comes with a higher licence, at the same place: it has no weight."""
        return self.weight == 0


@dataclass(frozen=True, slots=True)
class Demand:
    """The requirements and conditions of a vacancy."""

    skills: Sequence[Ask]
    weight: float
    """The sum of the skills' weights."""
    title: frozenset[int] = frozenset()
    occupation: Mapping[int, float] = field(default_factory=dict)
    """Similarity to occupations by the occupation's number, a vector of Euclidean length 1."""
    jobs: Mapping[int, int] = field(default_factory=dict)
    """The occupations that the title means, with their certainty in per cent."""
    level: int = 0
    """How high the position is, 1 to 5; 0 if it is unknown."""
    fields: frozenset[int] = frozenset()
    """The subjects and specialities of the title, and the categories of required licences."""
    band: int | None = None
    """Experience: 0 none, 1 one to three years, 2 three to six, 3 more."""
    area: int | None = None
    work_format: int | None = None
    """A bit of `WORK_FORMATS`."""
    employment: int | None = None
    """A bit of `EMPLOYMENT_TYPES`."""
    pay: tuple[float, float] | None = None
    """Lowest and highest monthly pay; equal if only one is stated."""
    currency: int | None = None
    languages: Sequence[tuple[int, int]] = ()
    """Code and lowest level, from 0 (any) to 7 (native)."""
    company: int = 0
    presumed: int = 0
    """What the employer did not list and the text of the vacancy says: it weighs less, and is no
    gate.
    """


@dataclass(frozen=True, slots=True)
class Offer:
    """The content and the expectations of a resume."""

    skills: Mapping[int, Have]
    weight: float
    """The sum of the skills' weights."""
    title: frozenset[int] = frozenset()
    occupation: Mapping[int, float] = field(default_factory=dict)
    jobs: Mapping[int, int] = field(default_factory=dict)
    """The occupations that the title means, with their certainty in per cent."""
    level: int = 0
    """How high the position is, 1 to 5; 0 if it is unknown."""
    fields: frozenset[int] = frozenset()
    """The subjects and specialities of the title, and the categories of licences."""
    shown: frozenset[int] = frozenset()
    """More fields of the same families, by skills, positions and higher licences."""
    months: int = 0
    area: int | None = None
    relocation: bool = False
    work_formats: int = 0
    """Bits of `WORK_FORMATS`; 0 for any."""
    employment: int = 0
    """Bits of `EMPLOYMENT_TYPES`; 0 for any."""
    pay: float | None = None
    currency: int | None = None
    languages: Mapping[int, int] = field(default_factory=dict)
    hidden_from: frozenset[int] = frozenset()


def code(text: str) -> int:
    """A number from 1 to 2**63 - 1 that stands for a text."""
    return (int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1) or 1
