"""Figures: medians and ranges over rounds, ratios round by round, and their targets."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

HEADINGS = ("what", "measured: median (range)", "target", "met")


@dataclass(frozen=True)
class Options:
    """How much to measure."""

    rounds: int
    quick: bool
    folder: Path | None
    """Where plots go; None: no plots."""
    minutes: float | None = None
    """How long `memory` watches a running platform; None: it measures the parts instead."""
    processes: Sequence[int] = (1,)
    """With how many web processes `live` measures, one after the other."""
    broker: str = "rabbitmq"
    """Over which broker `live` measures."""

    def count(self, full: int, quick: int) -> int:
        """The number for a full run or for a quick one."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Figure:
    """One line of the table: one value per round, and the bound for their median."""

    what: str
    values: Sequence[float]
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the median keeps the bound; None without a bound."""
        if self.at_least is None and self.at_most is None:
            return None
        low = float("-inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return low <= self.median <= high

    def row(self) -> tuple[str, str, str, str]:
        """Name, measurement, target and whether it is met, as text."""
        measured = f"{number(self.median)} {self.unit}"
        if len(self.values) > 1:
            measured += f" ({number(min(self.values))} to {number(max(self.values))})"
        verdict = {None: "", True: "yes", False: "no"}[self.reached]
        return self.what, measured, self._demanded(), verdict

    def _demanded(self) -> str:
        if self.at_least is not None:
            return f"at least {number(self.at_least)} {self.unit}"
        if self.at_most is not None:
            return f"at most {number(self.at_most)} {self.unit}"
        return ""


def number(value: float) -> str:
    """Three significant digits, thousands with commas: ``20,431``, ``12.4``, ``0.83``."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Our values divided by theirs, round by round."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def table(title: str, figures: Sequence[Figure]) -> Table:
    """The figures as a table for a terminal."""
    made = Table(title=title, title_justify="left")
    for heading in HEADINGS:
        made.add_column(heading)
    for figure in figures:
        made.add_row(*figure.row())
    return made


def markdown(title: str, figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = [f"# Measured: {title}", "", f"| {' | '.join(HEADINGS)} |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(figure.row())} |" for figure in figures]
    return "\n".join(lines) + "\n"
