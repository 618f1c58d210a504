"""The table and the plot of simulated failures."""

from collections.abc import Sequence
from pathlib import Path

from simulate.capacity.scenarios import BEGIN, Felt, Load, ends

COLUMNS = (
    "failure",
    "highest lag, messages",
    "oldest message, s",
    "p95 from the failure on, s",
    "recovered after its end, s",
)


def rows(felt: Sequence[Felt]) -> list[tuple[str, ...]]:
    """One row for each scenario."""
    return [
        (
            one.scenario.name,
            f"{one.most:,.0f}",
            f"{one.oldest:.1f}",
            f"{one.p95:.2f}" if one.p95 < 10 else f"{one.p95:.1f}",
            "not in this run" if one.recovery == float("inf") else f"{one.recovery:.1f}",
        )
        for one in felt
    ]


def markdown(load: Load, felt: Sequence[Felt]) -> str:
    """The table, with what was simulated."""
    lines = [
        f"# Simulated: {load.rate:,.0f} events/s over {load.partitions} partitions",
        "",
        f"{load.seconds:g} s each, seed {load.seed}; the failure begins at {BEGIN:g} s.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(f"| {' | '.join(row)} |" for row in rows(felt)),
        "",
        *(f"- **{one.scenario.name}**: {one.scenario.what} ({one.scenario.why})." for one in felt),
    ]
    return "\n".join(lines) + "\n"


def plot(path: Path, load: Load, felt: Sequence[Felt]) -> None:
    """The lag over time, a panel for each scenario, as a small SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(
        {"svg.hashsalt": "hirewire", "svg.fonttype": "none", "path.simplify": True}
    ):
        figure = Figure(figsize=(8, 1.1 * len(felt) + 0.6), layout="constrained")
        panels = figure.subplots(len(felt), 1, sharex=True, squeeze=False)[:, 0]
        for axes, one in zip(panels, felt, strict=True):
            axes.axvspan(BEGIN, ends(one.scenario), color="#b26b3f", alpha=0.15, linewidth=0)
            axes.plot(one.at[::5], one.lag[::5] / 1000, color="#2f6f9f", linewidth=1)
            axes.set_title(one.scenario.name, loc="left", fontsize=8, pad=2)
            axes.tick_params(labelsize=7)
            axes.set_ylim(bottom=0)
            axes.spines[["top", "right"]].set_visible(False)
        panels[-1].set_xlabel("seconds; shaded: the failure", fontsize=8)
        figure.supylabel("thousand messages without effect", fontsize=8)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
