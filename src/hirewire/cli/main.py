"""The commands of `hirewire`, except `events` and `skills`."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from hirewire import __version__, assembly
from hirewire.cli.capacity import plan
from hirewire.cli.terminal import (
    BAD_SETTINGS,
    console,
    data_dir_of,
    fail,
    reachable_settings,
    run_async,
    running_data_dir,
    settings_or_exit,
)
from hirewire.kit.settings import Settings, SettingsError

if TYPE_CHECKING:
    from fastapi import FastAPI


app = typer.Typer(
    name="hirewire",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A self-hosted job board built from small services that lose no message.",
)
WAIT_SECONDS = 1.0
"""Between two looks at a database that another process migrates."""
QUICK = ("run", "serve", "demo", "doctor", "migrate", "plan", "version")
"""Commands that start without the operators' commands, which take a second to load."""
if not sys.argv[1:2] or sys.argv[1] not in QUICK:
    from hirewire.cli.admin import admin_app
    from hirewire.cli.events import events_app
    from hirewire.cli.kafka import kafka_app
    from hirewire.cli.mails import mails_app
    from hirewire.cli.privacy import privacy_app
    from hirewire.cli.skills import skills_app

    app.add_typer(admin_app, name="admin")
    app.add_typer(events_app, name="events")
    app.add_typer(kafka_app, name="kafka")
    app.add_typer(privacy_app, name="privacy")
    app.add_typer(skills_app, name="skills")
    app.add_typer(mails_app, name="mails")
app.command()(plan)
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of the embedded engines (HIREWIRE_DATA_DIR)"),
]

Single = Annotated[
    bool,
    typer.Option(
        help="All services in one process: for a small board on a machine with little memory"
    ),
]


@app.command()
def run(
    broker: Annotated[
        Literal["postgres", "rabbitmq", "kafka"],
        typer.Option(
            help="postgres: queues in PostgreSQL; rabbitmq, kafka: a private node of that broker"
        ),
    ] = "postgres",
    only: Annotated[
        list[str] | None, typer.Option(help="Start only these services (repeatable)")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Do not start these services (repeatable)")
    ] = None,
    single: Single = False,
    data_dir: DataDir = None,
) -> None:
    """Start the platform: embedded engines unless configured, and one process per service."""
    from hirewire.kit.telemetry import configure_logging
    from hirewire.launcher.kafka_jars import KafkaError
    from hirewire.launcher.platform import (
        AlreadyRunning,
        NotMigrated,
        Plan,
        PortTaken,
        run_platform,
    )
    from hirewire.launcher.postgres import PostgresError
    from hirewire.launcher.rabbitmq import RabbitMQError

    settings = settings_or_exit()
    configure_logging(settings, "run")
    names = _chosen(assembly.PROCESSES, only, without)
    chosen = [manifest for manifest in assembly.MANIFESTS if manifest.name in names]
    plan = Plan(
        settings,
        data_dir_of(settings, data_dir),
        broker,
        chosen,
        broker_users=assembly.PROCESSES,
        single=single,
    )

    try:
        code = run_async(run_platform(plan, console))
    except NotMigrated as error:
        raise typer.Exit(error.code) from None
    except (
        AlreadyRunning,
        KafkaError,
        PortTaken,
        PostgresError,
        RabbitMQError,
        SettingsError,
        OSError,
    ) as error:
        fail(str(error))
    raise typer.Exit(code)


def _chosen(names: tuple[str, ...], only: list[str] | None, without: list[str] | None) -> list[str]:
    asked = [part for text in (*(only or ()), *(without or ())) for part in text.split(",")]
    for name in asked:
        if name not in names:
            fail(f"no service {name!r}: one of {', '.join(names)}", 2)
    included = {part for text in (only or names) for part in text.split(",")}
    excluded = {part for text in (without or ()) for part in text.split(",")}
    chosen = [name for name in names if name in included - excluded]
    if not chosen:
        fail("no service left to start", 2)
    return chosen


@app.command()
def serve(
    services: Annotated[
        list[str],
        typer.Argument(
            metavar="SERVICE…",
            help=f"Of {', '.join(assembly.PROCESSES)}; several run in one process",
        ),
    ],
    role: Annotated[
        Literal["all", "api", "worker"],
        typer.Option(help="api: HTTP only; worker: messaging only, with health and metrics"),
    ] = "all",
    gate: Annotated[bool, typer.Option(hidden=True)] = False,
    load_broker: Annotated[str | None, typer.Option(hidden=True)] = None,
    listening: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run services in the foreground."""
    from hirewire.kit.telemetry import configure_logging, configure_tracing
    from hirewire.launcher.serving import Served, serve_applications

    for name in services:
        if name not in assembly.PROCESSES:
            fail(f"no service {name!r}: one of {', '.join(assembly.PROCESSES)}", 2)
        if services.count(name) > 1:
            fail(f"{name} is named twice", 2)
        if gate:
            assembly.load(name, load_broker)
    given = _wait_at_gate() if gate else {}
    served: list[Served] = []
    for name in services:
        settings = _settings_of(name, given.get(name, {}))
        if not served:
            configure_logging(settings, name)
            configure_tracing(settings, name if len(services) == 1 else "hirewire")
        application = _application(name, settings, role)
        of_page = listening if name == settings.gateway.name else None
        served.append(Served(name, application, settings, settings.port(name), of_page))
    serve_applications(served)


def _settings_of(name: str, given: Mapping[str, str]) -> Settings:
    environ = os.environ | given
    if name in assembly.SERVICES:
        return reachable_settings(name, environ)
    return settings_or_exit(environ)


def _application(name: str, settings: Settings, role: Literal["all", "api", "worker"]) -> "FastAPI":
    """The application of a service whose settings have been tried."""
    try:
        application = assembly.application(name, settings, role)
        if name in assembly.SERVICES:
            from hirewire.kit.db import check_addresses

            run_async(check_addresses(settings, name))
    except (SettingsError, ValueError) as error:
        fail(str(error), BAD_SETTINGS)
    return application


def _wait_at_gate() -> dict[str, dict[str, str]]:
    """`run` has started this process early; once its code is loaded, it waits for its settings."""
    given: dict[str, dict[str, str]] | None = json.loads(sys.stdin.readline() or "null")
    return given or sys.exit(0)


@app.command()
def migrate(
    wait: Annotated[
        str | None,
        typer.Option(
            metavar="SERVICE",
            help="Instead: wait until another `migrate` has brought this service's database to "
            "this version",
        ),
    ] = None,
    gate: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Create and migrate databases, queues and broker users for this version."""
    from hirewire import provisioning
    from hirewire.messaging.broker import BrokerMisconfigured, BrokerUnavailable
    from hirewire.messaging.schema import CannotMigrate

    if gate:
        for name in assembly.SERVICES:
            assembly.service(name)
        os.environ.update(_wait_at_gate()["migrate"])
    if wait is not None and wait not in assembly.SERVICES:
        fail(f"--wait: no service {wait!r}: one of {', '.join(assembly.SERVICES)}", 2)
    settings = reachable_settings(wait)
    if wait is not None:
        run_async(_until_migrated(settings, wait))
        return
    try:
        done = run_async(provisioning.migrate(settings))
    except SettingsError as error:
        fail(str(error), BAD_SETTINGS)
    except CannotMigrate as error:
        fail(str(error))
    except (OSError, BrokerUnavailable, BrokerMisconfigured) as error:
        fail(f"{type(error).__name__}: {error}")
    if gate:
        return
    for name, applied in done.applied.items():
        console.print(f"{name}: {', '.join(applied) or 'up to date'}")
        if done.lineages[name].raised is not None:
            console.print(f"{name}: {done.lineages[name]}", soft_wrap=True)
    console.print(f"queues: {', '.join(done.queues)}")
    if done.users:
        console.print(f"broker users: {', '.join(done.users)}")


async def _until_migrated(settings: Settings, service: str) -> None:
    from hirewire.provisioning import why_not_migrated

    shown = None
    while (reason := await why_not_migrated(settings, service)) is not None:
        if reason != shown:
            console.print(f"{service} waits: {reason}", soft_wrap=True, markup=False)
        shown = reason
        await asyncio.sleep(WAIT_SECONDS)
    console.print(f"{service}: up to date")


@app.command()
def demo(
    url: Annotated[str | None, typer.Option(help="The platform's public address")] = None,
    fill: Annotated[
        int | None,
        typer.Option(
            min=1, max=100_000, help="Instead: create this many vacancies and as many resumes"
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of the sample data; the same one gives the same data"),
    ] = None,
) -> None:
    """Run the demo against the running platform, and time each step."""
    if seed is not None and fill is None:
        fail("--seed goes with --fill", 2)
    url = _public_url(url)
    if fill is not None:
        from hirewire.tools.sample_data.command import fill as fill_board
        from hirewire.tools.sample_data.people import DEFAULT_SEED

        chosen = DEFAULT_SEED if seed is None else seed
        code = run_async(fill_board(url, fill, chosen, Console(highlight=False)))
    else:
        from hirewire.tools.demo import run_demo

        code = run_async(run_demo(url, Console(highlight=False)))
    raise typer.Exit(code)


@app.command("import")
def import_(
    kind: Annotated[Literal["vacancies", "resumes"], typer.Argument(help="What the file contains")],
    file: Annotated[Path, typer.Argument(help="CSV, JSON or JSON Lines")],
    email: Annotated[
        str | None, typer.Option(help="The owner's email; a resume may have its own instead")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the owner's password [prompt]")
    ] = None,
    publish: Annotated[bool, typer.Option(help="Publish everything that is complete")] = False,
    report: Annotated[Path | None, typer.Option(help="The report's path [FILE.report.csv]")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="The file's encoding: utf-8, cp1251, utf-16 [detected]")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The platform's public address")] = None,
) -> None:
    """Import vacancies or resumes from a file; the report lists refused rows with reasons."""
    from hirewire.tools.imports.command import import_file

    owner = None
    if email is not None:
        try:
            owner = (email, _password(password_file))
        except (OSError, ValueError) as error:
            fail(f"--password-file: {error}", 2)
    console = Console(highlight=False)
    work = import_file(
        _public_url(url),
        kind,
        file,
        console,
        owner=owner,
        publish=publish,
        report=report,
        encoding=encoding,
    )
    raise typer.Exit(run_async(work))


def _password(file: Path | None) -> str:
    if file is None and not sys.stdin.isatty():
        raise ValueError("a file with the password is required, since there is no terminal")
    if file is None:
        return str(typer.prompt("Password", hide_input=True))
    return file.read_text(encoding="utf-8").removesuffix("\n")


def _public_url(given: str | None) -> str:
    from hirewire.launcher.state import read_state

    if given is not None:
        return given.rstrip("/")
    settings = settings_or_exit()
    state = read_state(running_data_dir(settings))
    return (state.public_url if state else settings.service_url(settings.gateway.name)).rstrip("/")


@app.command()
def doctor() -> None:
    """Check this machine and the running platform, and show memory by process."""
    from hirewire.launcher.doctor import examine, print_report
    from hirewire.launcher.state import found_settings

    settings = settings_or_exit()
    folder = running_data_dir(settings)
    found = found_settings(settings, folder)
    checks = run_async(examine(found, folder, assembly.PROCESSES))
    raise typer.Exit(print_report(checks, Console(highlight=False)))


@app.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(f"hirewire {__version__}\n")
