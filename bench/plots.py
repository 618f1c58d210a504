"""PNG plots of the figures."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import percentile

if TYPE_CHECKING:  # it takes a second to load, and most runs draw nothing
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, OURS, THEIRS = "#333333", "#2f6f9f", "#b9c3cc"
MILLISECONDS = (1, 2, 3, 5, 10, 20, 30, 50, 100)
HIREWIRE = ("batched", "one at a time", "hirewire")


def rates(path: Path, title: str, found: Mapping[str, Sequence[float]]) -> None:
    """A bar per contestant: the median, with a line from the slowest round to the fastest."""
    ordered = dict(sorted(found.items(), key=lambda item: statistics.median(item[1])))
    figure, axes = _sheet(title, height=0.55 * len(found) + 1.2)
    for place, (name, values) in enumerate(ordered.items()):
        median = statistics.median(values)
        axes.barh(place, median, color=OURS if name in HIREWIRE else THEIRS, height=0.6)
        axes.plot((min(values), max(values)), (place, place), color=INK, linewidth=1)
        axes.annotate(
            f"{median:,.0f}",
            (max(*values, median), place),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=9,
        )
    axes.set_yticks(range(len(found)), list(ordered))
    axes.set_xlabel("effects per second; the line spans the rounds")
    axes.set_xlim(right=1.15 * max(max(values) for values in found.values()))
    _save(figure, path)


def growth(path: Path, costs: Mapping[int, Sequence[Mapping[str, float]]]) -> None:
    """Microseconds per event against rows in the log, by phase and in total."""
    figure, axes = _sheet("cost of an event as the log grows", height=3.6)
    sizes = list(costs)
    phases = list(costs[sizes[0]][0])
    for shade, phase in zip(("#7fb3d5", "#a9b7c0", "#d5a77f"), phases, strict=True):
        axes.plot(
            sizes,
            [statistics.median(r[phase] for r in costs[s]) for s in sizes],
            marker="o",
            markersize=4,
            color=shade,
            label=phase,
        )
    totals = [statistics.median(sum(r.values()) for r in costs[size]) for size in sizes]
    axes.plot(sizes, totals, marker="o", markersize=5, color=OURS, linewidth=2, label="in all")
    axes.axhspan(totals[0], totals[0] * 1.2, color=OURS, alpha=0.08, label="flat within 20%")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("rows in the log, and in the inbox")
    axes.set_ylabel("µs per event")
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, path)


def delays(path: Path, found: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """The share of events that took effect within a number of milliseconds, over all rounds."""
    figure, axes = _sheet("commit to effect at 50 events per second", height=3.2)
    for name, rounds in found.items():
        values = sorted(value for one in rounds for value in one)
        shares = [100 * (nth + 1) / len(values) for nth in range(len(values))]
        axes.plot(values, shares, color=OURS if name in HIREWIRE else "#8a949c", label=name)
    axes.set_xscale("log")
    axes.set_xticks(MILLISECONDS)
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(MILLISECONDS[0], MILLISECONDS[-1])
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("% of events")
    axes.legend(frameon=False, fontsize=9)
    _save(figure, path)


def _sheet(title: str, *, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color="#eeeeee")
    axes.set_axisbelow(True)
    return figure, axes


def _save(figure: "Figure", path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def sizes(
    path: Path, title: str, found: Mapping[str, Mapping[int, Sequence[float]]], demand: float
) -> None:
    """Milliseconds against size: the median, and the 95th percentile with its target."""
    figure, axes = _sheet(title, height=3.4)
    for shade, (name, costs) in zip((OURS, "#b26b3f", "#6a8f4e"), found.items(), strict=False):
        places = list(costs)
        middle = [percentile(costs[size], 0.5) for size in places]
        high = [percentile(costs[size], 0.95) for size in places]
        axes.plot(places, middle, marker="o", markersize=4, color=shade, label=f"{name}: p50")
        axes.plot(
            places,
            high,
            marker="s",
            markersize=4,
            color=shade,
            linestyle="--",
            label=f"{name}: p95",
        )
    axes.axhline(demand, color=INK, linewidth=0.8, linestyle=":", label=f"{demand:g} ms")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("on the other side")
    axes.set_ylabel("ms")
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, path)


def memory(
    path: Path, found: Mapping[str, Sequence[tuple[float, float]]], warm_seconds: float
) -> None:
    """MiB of each service against minutes; the warm-up, in which it may grow, is shaded."""
    figure, axes = _sheet("private memory under mixed load", height=3.4)
    for shade, (name, values) in zip(
        (OURS, "#b26b3f", "#6a8f4e", "#7a5c99"), found.items(), strict=True
    ):
        minutes = [at / 60 for at, _ in values]
        axes.plot(minutes, [mib for _, mib in values], color=shade, linewidth=1, label=name)
    axes.axvspan(0, warm_seconds / 60, color=INK, alpha=0.06, linewidth=0)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes")
    axes.set_ylabel("MiB")
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, path)
