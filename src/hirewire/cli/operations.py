"""The commands of `hirewire events` that query the running services."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hirewire import assembly
from hirewire.cli.terminal import BAD_SETTINGS, fail, print_table, reachable_settings, run_async
from hirewire.kit.internal.models import RequestIn, RequestOut
from hirewire.messaging.reconciliation.audit import STATES, first_id
from hirewire.operators import traces
from hirewire.operators.auditing import Auditor, Report
from hirewire.operators.client import Operators, Refused, ServiceAway

T = TypeVar("T")
INCOMPLETE = 3
"""Exit code of an audit that could not be completed."""
console = Console(highlight=False)

Since = Annotated[
    str | None, typer.Option(help="Start: 2026-11-01, 2026-11-01T12:00Z, or an age: 90m, 12h, 7d")
]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest time that an event id can contain."""


def moment_of(text: str | None, name: str = "--since") -> datetime | None:
    """A point in time from a date, an RFC 3339 time or an age; exits with code 2 otherwise."""
    if text is None:
        return None
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[:-1].isdecimal() and text[-1:] in units:
            moment = datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
        else:
            moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment.astimezone(UTC)  # fails on the first and last day of the calendar
    except ValueError:
        fail(f"{name}: not a date, a time or an age such as 12h: {text[:100]!r}", 2)
    except OverflowError:
        fail(f"{name}: outside the range of dates: {text[:100]!r}", 2)
    if moment < EPOCH:
        fail(f"{name}: before {EPOCH:%Y-%m-%d}: {text[:100]!r}", 2)
    return moment


def seconds_of(value: float | None) -> float | None:
    """A number of seconds; exits with code 2 if it is not positive."""
    if value is not None and not (0 < value < float("inf")):
        raise typer.BadParameter("must be more than 0 seconds")
    return value


def with_operators(work: Callable[[Operators], Awaitable[T]]) -> T:
    """Run `work` against the running services; exits with a message when one is down."""
    settings = reachable_settings()
    if settings.operator_token is None:
        fail(
            "HIREWIRE_OPERATOR_TOKEN is not set: the services' internal API needs it", BAD_SETTINGS
        )
    urls = {name: settings.service_url(name) for name in assembly.SERVICES}

    async def connected() -> T:
        async with Operators(urls, settings.operator_token or "") as operators:
            return await work(operators)

    try:
        return run_async(connected())
    except (ServiceAway, Refused) as error:
        fail(str(error))


def audit(
    since: Since = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Publish missing events again"),
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            callback=seconds_of, help="Longest wait in seconds [as long as messages move]"
        ),
    ] = None,
    accept_phantoms: Annotated[
        str | None,
        typer.Option(
            metavar="WHY", help="Accept events that are in no log; they are not listed again"
        ),
    ] = None,
) -> None:
    """Compare events with their effects at each subscriber: handled, in flight, dead, missing."""
    moment = moment_of(since)
    start = first_id(moment) if moment is not None else UUID(int=0)

    async def work(operators: Operators) -> Report:
        with _progress("events") as bar:
            task = bar.add_task("audit", total=None)
            auditor = Auditor(
                operators,
                wait=wait,
                progress=lambda owner, n: bar.update(task, advance=n, description=owner),
                waiting=lambda text: bar.update(task, description=text),
            )
            report = await auditor.audit(start)
            if repair and report.missing:
                print_report(report)
                sent = await auditor.repair(report, by=getpass.getuser())
                for pair, count in sent.items():
                    console.print(f"repaired {pair}: {count} published again")
                problems = report.problems
                report = await auditor.audit(start)
                report.problems = problems + report.problems
            if accept_phantoms and report.phantoms:
                print_report(report)
                by = getpass.getuser()
                count = await auditor.accept_phantoms(report, why=accept_phantoms, by=by)
                console.print(f"accepted: {count:,} events that are in no log")
                report = await auditor.audit(start)
            return report

    report = with_operators(work)
    print_report(report)
    if report.problems or not report.clean:
        raise typer.Exit(1 if report.missing or report.phantoms else INCOMPLETE)


def print_report(report: Report) -> None:
    """Print the table, the missing events and the verdict."""
    lines = report.lines()
    always = ("handled", "in flight", "missing")
    shown = [s for s in STATES if s in always or any(line.counts[s] for _, _, line in lines)]
    table = Table("events of -> consumed by", "expected", *shown, "late", box=SIMPLE_HEAD)
    for owner, subscriber, line in lines:
        numbers = [f"{line.counts[state]:,}" for state in shown]
        table.add_row(f"{owner} -> {subscriber}", f"{line.expected:,}", *numbers, f"{line.late:,}")
    print_table(table)
    for owner, subscriber, line in report.lines():
        for id in line.missing[:20]:
            console.print(f"[red]missing[/] {id} of {owner} at {subscriber}")
        if len(line.missing) > 20:
            console.print(f"[red]missing[/] … and {len(line.missing) - 20:,} more at {subscriber}")
        for one in line.discarded[:20]:
            why = f"discarded {one.id} at {subscriber} by {one.by or '?'}: {one.note or '-'}"
            console.print(escape(why))
        for phantom in line.phantoms[:20]:
            console.print(
                f"[red]in no log[/] {phantom.id} of {owner}, consumed at {subscriber} by "
                f"{', '.join(phantom.subscriptions)} on {phantom.heard_at:%Y-%m-%d %H:%M:%S}"
            )
        if len(line.phantoms) > 20:
            console.print(f"[red]in no log[/] … and {len(line.phantoms) - 20:,} more")
        if line.phantoms:
            console.print(
                f"{subscriber} has consumed {len(line.phantoms):,} events of {owner} that are in "
                f"no log: {owner} was restored to an earlier state, or somebody else published "
                'them in its name. See "Restore" in docs/operations.md'
            )
        if not line.adds_up:
            console.print(f"[red]{owner} -> {subscriber} does not add up[/]")
    for problem in report.problems:
        console.print(f"[yellow]{escape(problem)}[/]")
    recorded = sum(account.recorded for account in report.accounts.values())
    without_subscribers = sum(account.without_subscribers for account in report.accounts.values())
    verdict = "[green]clean[/]" if report.clean else "[red]not clean[/]"
    console.print(
        f"{verdict}: {recorded:,} events recorded, {without_subscribers:,} without subscribers"
    )


def replay_history(
    to: str,
    types: list[str],
    *,
    since: str | None,
    until: str | None,
    key: str | None,
    again: bool,
    anew: bool,
    dry_run: bool,
) -> None:
    """Replay events from the log to one service only; see `events replay --help`."""
    moments = {"since": moment_of(since, "--since"), "until": moment_of(until, "--until")}
    by = getpass.getuser()
    try:
        asked = RequestIn(kind="replay", to=to, key=key, again=again, anew=anew, by=by, **moments)
    except ValidationError as error:
        fail("; ".join(f"--{one['loc'][0]}: {one['msg']}" for one in error.errors()), 2)
    by_owner = _owners_of(to, types)

    async def work(operators: Operators) -> bool:
        if dry_run:
            for owner, names in by_owner.items():
                count = await operators.count(owner, _of(asked, names))
                console.print(f"{owner} -> {to}: {count:,} events")
            return True
        requested = {}
        for owner, names in by_owner.items():
            requested[owner] = await operators.request(owner, _of(asked, names))
        return await _follow(operators, to, requested)

    if not with_operators(work):
        raise typer.Exit(1)


def _owners_of(to: str, types: list[str]) -> dict[str, list[str]]:
    """The events of these types (all when none are given) that `to` consumes, by owner."""
    if to not in assembly.SERVICES:
        fail(f"no service {to!r}: one of {', '.join(assembly.SERVICES)}", 2)
    consumes = set(assembly.service(to).consumes)
    for name in types:
        if name not in consumes:
            fail(f"--type: {to} does not consume {name!r}: {', '.join(sorted(consumes))}", 2)
    found: dict[str, list[str]] = {}
    for owner in assembly.SERVICES:
        for event in assembly.service(owner).publishes:
            if event.name in consumes and (not types or event.name in types):
                found.setdefault(owner, []).append(event.name)
    return found


def _of(asked: RequestIn, types: list[str]) -> RequestIn:
    """The same request for these types."""
    return asked.model_copy(update={"types": types})


async def _follow(operators: Operators, to: str, requested: dict[str, RequestOut]) -> bool:
    good = True
    with _progress("events") as bar:
        for owner, request in requested.items():
            task = bar.add_task(f"{owner} -> {to}", total=request.total, completed=request.done)
            is_new = request.new
            while request.state == "open":
                await asyncio.sleep(0.2)
                request = await operators.request_of(owner, request.id)
                bar.update(task, total=request.total, completed=request.done)
            requested[owner] = request.model_copy(update={"new": is_new})
    for owner, request in requested.items():
        when = "" if request.new else " before, not repeated (use --anew)"
        done = f"{request.state}{when}, {request.done:,} events"
        text = f"{owner} -> {to}: {done}, request {request.id}"
        console.print(escape(text if request.state == "done" else f"{text}: {request.outcome}"))
        good = good and request.state == "done"
    return good


def list_jobs() -> None:
    """List replays, repairs, retries and discards with their outcomes, newest first."""

    async def work(operators: Operators) -> list[str]:
        lines = []
        for name in operators.services:
            found = await operators.requests(name)
            lines += [line for request in found for line in _request_lines(name, request)]
        return lines

    lines = with_operators(work)
    console.print("\n".join(lines) or "no requests")


def _request_lines(service: str, request: RequestOut) -> list[str]:
    """Two to four lines, since a table of nine columns does not fit 80 characters."""
    asked = ", ".join(f"{k} {v}" for k, v in request.asked.items() if v is not None)
    done = f"{request.done:,} of {request.total or request.done:,}"
    when = f"{request.asked_at:%Y-%m-%d %H:%M}"
    return [
        f"[bold]{when}  {service} {request.kind}: {request.state}, {done}[/]",
        f"    {request.id} by {escape(request.asked_by)}",
        *([f"    request: {escape(asked)}"] if asked else []),
        *([f"    outcome: {escape(request.outcome)}"] if request.outcome else []),
    ]


def trace(
    what: Annotated[str, typer.Argument(help="An event, user, resume, vacancy or request id")],
    since: Since = "7d",
) -> None:
    """Show which event caused which, in which service, with the times between."""
    moment = moment_of(since)
    start = first_id(moment) if moment is not None else UUID(int=0)
    roots = with_operators(lambda operators: traces.gather(operators, what, start))
    if not roots:
        fail(f"no log has events about {what!r} since {since}")
    console.print(traces.draw(roots, what), soft_wrap=True)


def _progress(unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
