"""Numbers with dimensions: bytes are not added to events, nor seconds compared with cores."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

SCALES: Mapping[str, tuple[float, str | None]] = {
    "us": (1e-6, "s"),
    "ms": (1e-3, "s"),
    "s": (1.0, "s"),
    "hour": (3600.0, "s"),
    "day": (86_400.0, "s"),
    "year": (365 * 86_400.0, "s"),
    "byte": (1.0, "byte"),
    "MiB": (2.0**20, "byte"),
    "GiB": (2.0**30, "byte"),
    "Gbit": (0.125e9, "byte"),
    "share": (1.0, None),
    "times": (1.0, None),
    **{
        name: (1.0, name)
        for name in (
            *("user", "resume", "vacancy", "application", "event", "delivery", "request", "visit"),
            *("core", "machine", "process", "partition", "match"),
        )
    },
}
"""How large each unit is in the one of its dimension; None has no dimension."""
SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}
_NUMBER = re.compile(r"(\d+(?:[_,]\d{3})*(?:\.\d+)?|\.\d+)\s*([kKmMgGbB]?)")


class WrongDimension(Exception):
    """Quantities of different dimensions were added, compared, or shown in another's unit."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of units, such as ``us core/event``."""

    name: str
    scale: float
    dimensions: tuple[tuple[str, int], ...]
    """The power of each dimension, by name, without zeros."""


@cache
def unit_of(text: str) -> Unit:
    """Read ``a b/c d``: units above and below one stroke. Raises `ValueError` for others."""
    above, _, below = text.partition("/")
    scale, powers = 1.0, dict[str, int]()
    for part, way in ((above, 1), (below, -1)):
        for name in part.split():
            if name not in SCALES:
                raise ValueError(f"no unit {name!r}")
            size, dimension = SCALES[name]
            scale *= size**way
            if dimension is not None:
                powers[dimension] = powers.get(dimension, 0) + way
    return Unit(text, scale, _sorted(powers))


def _sorted(powers: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((name, power) for name, power in powers.items() if power))


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the base units of its dimensions: seconds, bytes, events …"""

    value: float
    dimensions: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, value: float, unit: str) -> "Quantity":
        """So many of a unit."""
        found = unit_of(unit)
        return cls(value * found.scale, found.dimensions)

    def as_unit(self, unit: str) -> float:
        """The number in this unit. Raises `WrongDimension` if it is not one of these."""
        found = unit_of(unit)
        if found.dimensions != self.dimensions:
            raise WrongDimension(f"{_words(self.dimensions)} is not {unit}")
        return self.value / found.scale

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value + self._alike(other), self.dimensions)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value - self._alike(other), self.dimensions)

    def __mul__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value * other.value, _joined(self.dimensions, other.dimensions, 1))

    def __truediv__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.value / other.value, _joined(self.dimensions, other.dimensions, -1))

    def __pow__(self, other: "Quantity") -> "Quantity":
        if self.dimensions or other.dimensions:
            raise WrongDimension("only plain numbers have powers")
        return Quantity(self.value**other.value)

    def larger(self, other: "Quantity") -> "Quantity":
        """The larger one."""
        return Quantity(max(self.value, self._alike(other)), self.dimensions)

    def smaller(self, other: "Quantity") -> "Quantity":
        """The smaller one."""
        return Quantity(min(self.value, self._alike(other)), self.dimensions)

    def whole(self) -> "Quantity":
        """Rounded up; what is a whole number but for the arithmetic stays."""
        return Quantity(float(math.ceil(self.value - 1e-9 * abs(self.value))), self.dimensions)

    def _alike(self, other: "Quantity") -> float:
        if other.dimensions != self.dimensions:
            raise WrongDimension(f"{_words(self.dimensions)} and {_words(other.dimensions)}")
        return other.value


def _joined(
    one: tuple[tuple[str, int], ...], other: tuple[tuple[str, int], ...], way: int
) -> tuple[tuple[str, int], ...]:
    powers = dict(one)
    for name, power in other:
        powers[name] = powers.get(name, 0) + way * power
    return _sorted(powers)


def _words(dimensions: tuple[tuple[str, int], ...]) -> str:
    return " ".join(f"{name}^{power}" for name, power in dimensions) or "a plain number"


def count_of(text: str) -> float:
    """Read ``50M``, ``1.5k``, ``20,000``: k, M, and G or B for a thousand, a million, a billion.

    Raises `ValueError` for anything else, also for a sign, NaN and infinity.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a number such as 20000, 1.5k or 50M: {text[:50]!r}")
    return float(match[1].replace("_", "").replace(",", "")) * SUFFIXES[match[2].lower()]
