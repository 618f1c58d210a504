"""Computes the model for a board."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hirewire.tools.capacity.formulas import Line, computed
from hirewire.tools.capacity.model import BY_NAME, INPUTS, LINES, PARTS, Input
from hirewire.tools.capacity.quantities import Quantity, count_of

FIGURES = Path(__file__).with_name("figures.toml")


class BadInput(Exception):
    """An input is unknown, not a number, or out of its range; the message names it."""


@dataclass(frozen=True, slots=True)
class MeasuredFigure:
    """A figure that the model counts with."""

    value: float
    unit: str
    what: str
    source: str
    """Which bench and when, or which part of the code."""


@dataclass(frozen=True)
class Plan:
    """A board, and what it needs."""

    inputs: Mapping[str, float]
    """In the unit of each."""
    known: Mapping[str, Quantity]
    """Inputs, figures and lines, by name."""

    def value(self, line: Line) -> float:
        """The result of a line, in its unit."""
        return self.known[line.name].as_unit(line.unit)

    def shares(self, part: str) -> list[tuple[Line, float]]:
        """The lines that make up the cores, the storage or the events: the largest first."""
        found = {name: self.known[name].value for name in PARTS[part]}
        whole = sum(found.values()) or 1.0
        ordered = sorted(found, key=lambda name: -found[name])
        return [(BY_NAME[name], found[name] / whole) for name in ordered]


@cache
def figures() -> Mapping[str, MeasuredFigure]:
    """The figures of `figures.toml`, by name."""
    return {name: MeasuredFigure(**one) for name, one in tomllib.loads(FIGURES.read_text()).items()}


def plan_of(given: Mapping[str, str]) -> Plan:
    """The plan for inputs as a person writes them: ``50M``, ``0.3``. Raises `BadInput`."""
    known = {one.name for one in INPUTS}
    for name in given:
        if name not in known:
            raise BadInput(f"no input {name!r}: one of {', '.join(sorted(known))}")
    return planned({one.name: _read(one, given[one.name]) for one in INPUTS if one.name in given})


def planned(given: Mapping[str, float]) -> Plan:
    """The plan for inputs in their units; the others have their defaults."""
    inputs = dict(given)
    for one in INPUTS:
        if one.name not in inputs:
            default = one.default
            inputs[one.name] = inputs[default] * one.factor if isinstance(default, str) else default
    known = {one.name: Quantity.of(inputs[one.name], one.unit) for one in INPUTS}
    known |= {name: Quantity.of(one.value, one.unit) for name, one in figures().items()}
    for line in LINES:
        known[line.name] = computed(line.formula, known)
    return Plan(inputs, known)


def _read(one: Input, text: str) -> float:
    try:
        value = count_of(text)
    except ValueError as error:
        raise BadInput(f"{one.name} ({one.unit}): {error}") from None
    if not one.least <= value <= one.most:
        raise BadInput(
            f"{one.name}: {text[:50]} is not between {one.least:g} and {one.most:g} {one.unit}"
        )
    return value
