"""Prints a plan: each line with its formula, what went into it, and the result."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from rich.console import Console
from rich.markup import escape

from hirewire.tools.capacity.formulas import Line, names_in
from hirewire.tools.capacity.model import BY_NAME, INPUTS, LIMITS, LINES, PARTS, SECTIONS
from hirewire.tools.capacity.plan import Plan, figures, planned

MEASURED_VACANCIES = 1_000_000
"""The largest board that search and matching were measured with."""
SIZES = {
    "a small town": {"users": 50e3, "vacancies": 5e3},
    "a country": {"users": 5e6, "vacancies": 500e3},
    "as hh.ru": {"users": 50e6, "vacancies": 20e6},
}
"""The boards of docs/capacity.md."""
SUMMED = (
    *("request_peak", "event_peak", "delivery_peak", "request_cores", "matching_cores"),
    *("messaging_cores", "database_cores", "broker_cores", "answering", "partitions"),
    *("matcher_memory", "process_memory", "database_bytes", "broker_bytes", "search_bytes"),
    *("yearly_bytes", "service_machines", "database_machines", "broker_machines", "machines"),
    *(
        "relay_limit",
        "router_limit",
        "partition_limit",
        "database_limit",
        "matcher_limit",
        "matcher_core_limit",
    ),
)


def number(value: float) -> str:
    """Three significant digits: ``1,234``, ``12.3``, ``0.00012``."""
    if value == 0:
        return "0"
    if abs(value) >= 1e13:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def print_plan(plan: Plan, console: Console) -> None:
    """The inputs, all lines, what dominates, and what to be careful about."""
    console.print("[bold]Inputs[/bold] (each by its option or --set NAME=VALUE)")
    for one in INPUTS:
        value = f"{number(plan.inputs[one.name])} {escape(one.unit)}"
        console.print(f"  {one.name:<13} {value:<30} [dim]{escape(one.what)}[/dim]", soft_wrap=True)
    for title, lines in SECTIONS:
        console.print(f"\n[bold]{title}[/bold]")
        for line in lines:
            _print_line(plan, line, console)
    console.print("\n[bold]What dominates[/bold]")
    for part in PARTS:
        shares = [f"{line.name} {share:.0%}" for line, share in plan.shares(part)[:3] if share > 0]
        console.print(f"  {part:<8} {', '.join(shares) or 'nothing'}")
    console.print("\n[bold]Figures[/bold]")
    used = {name for line in LINES for name in names_in(line.formula)}
    for name, figure in figures().items():
        if name in used:
            value = f"{number(figure.value)} {figure.unit}"
            console.print(
                f"  {name:<26} {value:<28} [dim]{escape(figure.source)}[/dim]", soft_wrap=True
            )
    for warning in warnings(plan):
        console.print(f"\n[yellow]{escape(warning)}[/yellow]", soft_wrap=True)


def _print_line(plan: Plan, line: Line, console: Console) -> None:
    result = f"{number(plan.value(line))} {line.unit}"
    console.print(
        f"  {line.name:<19} [bold]{result:<22}[/bold] {escape(line.what)}", soft_wrap=True
    )
    inputs = ", ".join(f"{name} {_shown(plan, name)}" for name in names_in(line.formula))
    console.print(f"    [dim]= {escape(line.formula)}[/dim]", soft_wrap=True)
    console.print(f"    [dim]  {escape(inputs)}[/dim]", soft_wrap=True)


def _shown(plan: Plan, name: str) -> str:
    unit = _units()[name]
    return f"{number(plan.known[name].as_unit(unit))} {unit}"


@cache
def _units() -> Mapping[str, str]:
    """The unit of each input, figure and line."""
    return (
        {one.name: one.unit for one in INPUTS}
        | {name: one.unit for name, one in figures().items()}
        | {name: line.unit for name, line in BY_NAME.items()}
    )


def warnings(plan: Plan) -> Iterator[str]:
    """What a reader must know before believing it."""
    for line in LIMITS:
        value = plan.value(line)
        if value > 1:
            yield f"Beyond a limit: {line.name} is {number(value)}. {line.what}."
    if plan.inputs["vacancies"] > MEASURED_VACANCIES:
        yield (
            f"More than {MEASURED_VACANCIES:,} vacancies were never measured: times of search and "
            "matching, and their memory, are extrapolated."
        )
    yield (
        "Figures are of two shared cores, and swing by two there. The matching's share of pairs is "
        "that of the benchmark's board: measure yours before you buy machines."
    )


def summary() -> str:
    """The table of docs/capacity.md: the boards side by side."""
    plans = [planned(given) for given in SIZES.values()]
    rows: list[Sequence[str]] = [("", *SIZES), ("---", *("---" for _ in SIZES))]
    for name in ("users", "vacancies", "resumes"):
        rows.append((name, *(f"{plan.inputs[name]:,.0f}" for plan in plans)))
    for name in SUMMED:
        line = BY_NAME[name]
        results = (f"{number(plan.value(line))} {line.unit}" for plan in plans)
        rows.append((f"`{name}`: {line.what}", *results))
    for part in PARTS:
        first = (plan.shares(part)[0] for plan in plans)
        rows.append((f"most {part}", *(f"`{line.name}` {share:.0%}" for line, share in first)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"
