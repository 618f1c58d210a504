"""`hirewire events rebuild`: rebuilds projections beside the live ones."""

import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hirewire import assembly, provisioning
from hirewire.cli.databases import database_of
from hirewire.cli.terminal import fail, print_table, reachable_settings, run_async
from hirewire.kit.settings import Settings
from hirewire.messaging.broker import BrokerUnavailable, open_broker
from hirewire.messaging.projections import generations, switching
from hirewire.messaging.projections.generations import (
    Generation,
    Projection,
    ProjectionError,
)
from hirewire.messaging.transaction import Transactions

T = TypeVar("T")
rebuild_app = typer.Typer(
    no_args_is_help=True, help="Rebuild projections beside the live ones, and switch to them."
)
console = Console(highlight=False)

Name = Annotated[str, typer.Argument(metavar="PROJECTION")]


def _declared() -> dict[str, tuple[str, Projection]]:
    """By name: the service of each projection, and its newest version."""
    return {
        projection.name: (service, projection)
        for service in assembly.SERVICES
        for projection in provisioning.newest(service)
    }


def _found(name: str) -> tuple[str, Projection]:
    declared = _declared()
    if name not in declared:
        fail(f"no projection {name!r}: one of {', '.join(sorted(declared)) or 'none'}", 2)
    return declared[name]


def _known(name: str) -> str:
    """The service that has a projection of this name, in its code or only in its database."""
    if name in _declared():
        return _declared()[name][0]

    async def has_it(transactions: Transactions) -> bool:
        async with transactions() as tx:
            return bool(await generations.of(tx, name))

    async def look(settings: Settings) -> str | None:
        for service in assembly.SERVICES:
            if await _in(settings, service, has_it):
                return service
        return None

    return _run(look) or _found(name)[0]


def _run(work: Callable[[Settings], Awaitable[T]]) -> T:
    settings = reachable_settings()

    async def running() -> T:
        return await work(settings)

    try:
        return run_async(running())
    except (ProjectionError, BrokerUnavailable) as error:
        fail(str(error))


async def _in(settings: Settings, service: str, work: Callable[[Transactions], Awaitable[T]]) -> T:
    async with database_of(settings, service, application="events") as transactions:
        return await work(transactions)


@rebuild_app.command()
def status(
    everything: Annotated[bool, typer.Option("--all", help="Include dropped generations")] = False,
) -> None:
    """List the generations of all projections and their progress."""
    table = Table(
        "service",
        "projection",
        "generation",
        "version",
        "state",
        "remaining history",
        "queued",
        "unresolved",
        "since",
    )

    async def look(settings: Settings) -> None:
        broker = open_broker(settings.broker_address(), client="events")
        try:
            for service in assembly.SERVICES:
                for row in await _in(settings, service, _counted):
                    generation, count = row
                    if generation.state == "dropped" and not everything:
                        continue
                    queued = "-"
                    if generation.is_fed:
                        stats = await broker.stats(generation.topology(service).queue)
                        queued = f"{stats.ready:,}"
                    table.add_row(service, *_cells(generation, queued, count))
        finally:
            await broker.close()

    _run(look)
    print_table(table, "no projections")


async def _counted(transactions: Transactions) -> list[tuple[Generation, int]]:
    async with transactions() as tx:
        return [
            (one, (await switching.open_messages(tx, one))[0])
            for one in await generations.all_of(tx)
        ]


def _cells(generation: Generation, queued: str, count: int) -> list[str]:
    to_come = ", ".join(generation.past_to_come) or "-"
    since = generation.dropped_at or generation.switched_at or generation.started_at
    return [
        generation.projection,
        str(generation.number),
        str(generation.version),
        generation.state + (", switches automatically" if generation.switch_when_ready else ""),
        to_come if generation.is_fed else "-",
        queued,
        f"{count:,}",
        since.isoformat(timespec="seconds"),
    ]


@rebuild_app.command()
def start(
    name: Name,
    switch: Annotated[
        bool, typer.Option("--switch", help="Switch automatically once it has caught up")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Even if the logs do not reach back far enough")
    ] = False,
) -> None:
    """Rebuild a projection from the log, beside the live generation."""
    service, projection = _found(name)

    async def work(settings: Settings) -> tuple[Generation, bool]:
        missing = await provisioning.missing_past(settings, projection)
        for owner, moment in missing.items():
            text = f"the log of {owner} starts at {moment.isoformat(timespec='seconds')}"
            if not partial:
                raise ProjectionError(
                    f"projection {name}: {text}: older events would be missing (--partial "
                    "builds it anyway)"
                )
            console.print(f"[yellow]{escape(text)}[/]: older events will be missing")
        by = getpass.getuser()
        return await provisioning.rebuild(
            settings, service, projection, by=by, switch_when_ready=switch
        )

    generation, new = _run(work)
    what = f"generation {generation.number} of version {generation.version}"
    if generation.state == "live":
        console.print(f"{name}: {what} is the first and is live")
    else:
        console.print(f"{name}: {what} is being built{'' if new else ' already'}")


@rebuild_app.command()
def switch(
    name: Name,
    generation: Annotated[
        int | None, typer.Option(help="Switch to this generation, e.g. to go back [newest]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Switch despite unresolved messages")
    ] = False,
    wait: Annotated[
        float, typer.Option(help="Longest time in seconds that writes are blocked")
    ] = switching.SWITCH_SECONDS,
) -> None:
    """Make the new generation live; the previous one is kept up to date until it is dropped."""
    service = _known(name)
    by = getpass.getuser()

    async def work(transactions: Transactions) -> tuple[Generation, bool]:
        return await switching.switch(
            transactions, service, name, number=generation, force=force, by=by, wait=wait
        )

    found, new = _run(lambda settings: _in(settings, service, work))
    console.print(f"{name}: generation {found.number} is live{'' if new else ' already'}")


def _drop(name: str, done: str, *, abandon: bool = False, whole: bool = False) -> None:
    service = _known(name)
    found = _run(
        lambda settings: provisioning.drop_generations(
            settings, service, name, abandon=abandon, whole=whole
        )
    )
    numbers = ", ".join(str(one.number) for one in found)
    console.print(f"{name}: generation {numbers} {done}")


@rebuild_app.command()
def abandon(name: Name) -> None:
    """Drop the generation that is being built, with its tables; a rebuild can be started again."""
    _drop(name, "abandoned", abandon=True)


@rebuild_app.command()
def drop(
    name: Name,
    whole: Annotated[
        bool, typer.Option("--whole", help="All generations, including the live one")
    ] = False,
) -> None:
    """Drop replaced generations with their tables; switching back is then impossible."""
    _drop(name, "dropped", whole=whole)
