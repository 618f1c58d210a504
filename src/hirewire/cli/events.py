"""`hirewire events`: the messaging commands for operators."""

import getpass
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hirewire import assembly
from hirewire.cli import operations
from hirewire.cli.databases import in_each
from hirewire.cli.rebuild import rebuild_app
from hirewire.cli.terminal import fail, print_table, reachable_settings, run_async
from hirewire.messaging import lineage
from hirewire.messaging.consuming import dead_letters, pauses
from hirewire.messaging.database import connect
from hirewire.messaging.subscriptions import Subscription
from hirewire.messaging.transaction import Tx

T = TypeVar("T")
events_app = typer.Typer(no_args_is_help=True, help="Audit, trace, replay and discard messages.")
console = Console(highlight=False)

ServiceOption = Annotated[
    str | None, typer.Option("--service", help="One service only (default: all)")
]
TypeOption = Annotated[str | None, typer.Option("--type", help="One event name only")]
SubscriptionOption = Annotated[str | None, typer.Option("--subscription", help="One handler only")]
Why = Annotated[str, typer.Option("--why", help="The reason, stored with the action")]


def _each(service: str | None, work: Callable[[Tx], Awaitable[T]]) -> dict[str, T]:
    """Run `work` in a transaction of each service's database."""
    if service is not None and service not in assembly.SERVICES:
        fail(f"no service {service!r}: one of {', '.join(assembly.SERVICES)}", 2)
    names = assembly.SERVICES if service is None else (service,)
    return in_each(reachable_settings(), names, work, application="events")


@events_app.command("list")
def list_(service: ServiceOption = None) -> None:
    """Unpublished events and unresolved messages of each service."""

    async def count(tx: Tx) -> dict[str, int]:
        unsent = await tx.exec_driver_sql("select count(*) from messaging.outbox")
        return {"unsent": unsent.scalar_one(), **await dead_letters.counts(tx)}

    table = Table("service", "unsent", "retrying", "waiting", "dead")
    for name, numbers in _each(service, count).items():
        table.add_row(name, *(str(number) for number in numbers.values()))
    print_table(table)
    for name, found in _each(service, pauses.paused).items():
        for one in found:
            since = one.paused_at.isoformat(timespec="seconds")
            text = f"{name}: {one.subscription} paused since {since} by {one.by or '?'}: {one.why}"
            console.print(escape(text), soft_wrap=True)


@events_app.command()
def dead(service: ServiceOption = None, type: TypeOption = None, limit: int = 100) -> None:
    """The dead letters, oldest first."""
    table = Table("service", "event id", "event", "key", "handler", "waiting", "arrived", "error")
    found = _each(service, lambda tx: dead_letters.open_messages(tx, type=type, limit=limit))
    for name, messages in found.items():
        for message in messages:
            table.add_row(
                name,
                str(message.event_id),
                escape(message.type),
                escape(message.key),
                message.subscription,
                str(message.waiting_behind),
                message.arrived_at.isoformat(timespec="seconds"),
                escape(message.error or ""),
            )
    print_table(table, "no dead letters")


@events_app.command()
def show(event_id: UUID, service: ServiceOption = None) -> None:
    """One unresolved message in full: body, headers, history. May show personal data."""

    async def both(tx: Tx) -> tuple[list[dead_letters.OpenMessage], list[dead_letters.Edit]]:
        return await dead_letters.show(tx, event_id), await dead_letters.edits(tx, event_id)

    for name, (messages, edits) in _each(service, both).items():
        for message in messages:
            console.print(f"[bold]{name}[/] {message.subscription}: {message.state}")
            console.print(f"error: {escape(message.error or '-')}")
            for line in message.history:
                console.print(escape(f"  {line['at']} attempt {line['attempt']}: {line['error']}"))
            for edit in (e for e in edits if e.subscription == message.subscription):
                before = edit.body_before.decode("utf-8", "backslashreplace")
                console.print(escape(f"  {edit.edited_at.isoformat()} body before: {before}"))
            for header, value in message.headers.items():
                console.print(escape(f"{header}: {value}"))
            console.print(escape(message.body.decode("utf-8", "backslashreplace")))


@events_app.command()
def replay(
    event_id: Annotated[
        UUID | None, typer.Argument(help="Id of a dead event (or use --type, --all or --to)")
    ] = None,
    service: ServiceOption = None,
    subscription: SubscriptionOption = None,
    edit: Annotated[
        Path | None,
        typer.Option(help="Replace the body of the dead event with this file"),
    ] = None,
    type: Annotated[
        list[str] | None, typer.Option("--type", help="Events of this name only (repeatable)")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters")] = False,
    why: Why = "",
    to: Annotated[
        str | None, typer.Option(help="Replay events from the log to this service only")
    ] = None,
    since: operations.Since = None,
    until: Annotated[
        str | None, typer.Option(help="With --to: events up to this time only")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="With --to: events of one key only (a user, a resume, …)")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also events already handled: they take effect again")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="A new replay, even if the same one has run before")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the events")] = False,
) -> None:
    """Retry dead letters, or (with --to) replay events from the log to one service.

    Dead letters get all their attempts again; messages that wait behind them follow in order. A
    replay from the log without --until and --key continues into live events: nothing is missed,
    repeated or out of order.
    """
    if to is not None:
        operations.replay_history(
            to,
            type or [],
            since=since,
            until=until,
            key=key,
            again=again,
            anew=anew,
            dry_run=dry_run,
        )
        return
    if event_id is None and not type and not everything:
        fail("give an event id, --type NAME, --all, or --to SERVICE", 2)
    if edit is not None:
        if event_id is None or subscription is None:
            fail("--edit needs an event id and --subscription NAME", 2)
        _edit(event_id, service or _service_of(subscription), subscription, edit, why)
        return
    names: list[str | None] = [*type] if type else [None]
    count = sum(_retry(service, event_id, name, subscription, why) for name in names)
    console.print(f"{count} will be retried")


def _retry(
    service: str | None, event_id: UUID | None, type: str | None, subscription: str | None, why: str
) -> int:
    """Retry one dead event, those of one type, or all; returns how many."""

    async def work(tx: Tx) -> int:
        return await dead_letters.replay(
            tx,
            event_id=event_id,
            type=type,
            subscription=subscription,
            note=why,
            by=getpass.getuser(),
        )

    return sum(_each(service, work).values())


def _edit(event_id: UUID, service: str, subscription: str, file: Path, why: str) -> None:
    _subscriptions(service)  # loads the event classes
    try:
        body = file.read_bytes()
    except OSError as error:
        fail(f"--edit: {error}", 2)

    async def one(tx: Tx) -> None:
        await dead_letters.edit(
            tx, event_id, subscription=subscription, body=body, why=why, by=getpass.getuser()
        )

    try:
        _each(service, one)
    except (dead_letters.NoSuchMessage, dead_letters.EditRefused) as error:
        fail(str(error))
    console.print("1 edited, will be retried")


def _service_of(subscription: str) -> str:
    """The service that has a handler with this name."""
    handlers = {s.name: name for name in assembly.SERVICES for s in _subscriptions(name)}
    if subscription not in handlers:
        fail(f"no handler {subscription!r}: one of {', '.join(sorted(handlers))}", 2)
    return handlers[subscription]


def _subscriptions(service: str) -> Sequence[Subscription]:
    return assembly.service(service).subscriptions


Handler = Annotated[
    str, typer.Argument(metavar="HANDLER", help="The handler's name, as in docs/events.md")
]


@events_app.command()
def pause(handler: Handler, why: Why) -> None:
    """Pause a handler: its messages wait, in order, until it is resumed; others continue."""
    by = getpass.getuser()
    found = _each(_service_of(handler), lambda tx: pauses.pause(tx, handler, why=why, by=by))
    console.print(f"{handler} paused" if any(found.values()) else f"{handler} was already paused")


@events_app.command()
def resume(handler: Handler, why: Why = "") -> None:
    """Resume a paused handler: first the waiting messages, in order, then new ones."""
    by = getpass.getuser()
    found = _each(_service_of(handler), lambda tx: pauses.resume(tx, handler, why=why, by=by))
    console.print(f"{handler} resumed" if any(found.values()) else f"{handler} was not paused")


@events_app.command()
def discard(
    event_id: UUID,
    why: Why,
    service: ServiceOption = None,
    subscription: SubscriptionOption = None,
) -> None:
    """Discard a dead or retrying message for good; messages behind it continue."""

    async def one(tx: Tx) -> int:
        try:
            return await dead_letters.discard(
                tx, event_id, why=why, by=getpass.getuser(), subscription=subscription
            )
        except dead_letters.NoSuchMessage:
            return 0

    counts = _each(service, one)
    if not sum(counts.values()):
        fail(f"no dead or retrying message of event {event_id}")
    console.print(f"{sum(counts.values())} discarded")


events_app.add_typer(rebuild_app, name="rebuild")
events_app.command()(operations.audit)
events_app.command()(operations.trace)
events_app.command("jobs")(operations.list_jobs)


@events_app.command("new-epoch")
def new_epoch(
    service: Annotated[str, typer.Argument(help="The service whose database was restored by hand")],
    why: Why,
) -> None:
    """Start a new epoch after the files of a database were restored in place."""
    if service not in assembly.SERVICES:
        fail(f"no service {service!r}: one of {', '.join(assembly.SERVICES)}", 2)
    settings = reachable_settings()

    async def raise_it() -> lineage.Adopted:
        connection = await connect(settings.service_database(service), application="events")
        try:
            return await lineage.raise_by_hand(connection, service, why)
        finally:
            await connection.close()

    try:
        adopted = run_async(raise_it())
    except lineage.RelayRuns as error:
        fail(str(error))
    console.print(escape(f"{service}: {adopted}"), soft_wrap=True)


@events_app.command()
def catalogue(
    write: Annotated[
        bool, typer.Option("--write", help="Write docs/events.md, asyncapi.json and schemas/")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Fail if these are out of date, or a change breaks consumers"),
    ] = False,
    breaking: Annotated[
        str | None, typer.Option("--break", help="With --write: why the change may break consumers")
    ] = None,
    docs: Annotated[Path, typer.Option(help="The documents' folder")] = Path("docs"),
) -> None:
    """List every event with its publisher and its consumers."""
    from hirewire import catalogue as made

    refused = made.write(docs, breaking) if write else made.refusals(docs / "schemas")
    if write or check:
        stale = made.stale(docs) if check and not refused else []
        for line in refused:
            console.print(escape(line), soft_wrap=True)
        for name in stale:
            console.print(f"{docs / name} is out of date: run {made.COMMAND}")
        raise typer.Exit(1 if refused or stale else 0)
    table = Table("event", "published by", "key", "consumed by")
    for entry in made.entries():
        consumers = ", ".join(entry.subscribers) or "nobody yet"
        table.add_row(entry.name, entry.event.owner, entry.event.key_field, consumers)
    print_table(table)
