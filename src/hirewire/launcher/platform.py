"""`hirewire run`: starts embedded engines if needed, migrates, and starts the services."""

import asyncio
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from rich.console import Console

from hirewire.kit.manifest import Manifest
from hirewire.kit.settings import PREFIX, Settings
from hirewire.launcher.children import HIREWIRE, Child, Prepared, give, start
from hirewire.launcher.kafka import PrivateKafka
from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.launcher.process import FolderInUse, is_free, stop
from hirewire.launcher.rabbitmq import PrivateRabbitMQ
from hirewire.launcher.restarts import kept_running
from hirewire.launcher.startup_page import StartupPage
from hirewire.launcher.state import (
    RunningPlatform,
    broker_passwords,
    clear_state,
    hold_state,
    operator_token,
    read_state,
    secret_key,
    write_state,
)
from hirewire.launcher.supervisor import Supervisor
from hirewire.messaging.broker import broker_at

BrokerChoice = Literal["postgres", "rabbitmq", "kafka"]
OF_EACH = ("broker_url", "public_url", "smtp_url")
WITH_DATABASE = ("database_url", "database_direct_url", "database_read_url", "operator_token")
ON_NEED = ("search_dir", "secret_key")
"""Those that only some services' manifests name."""
OF_MIGRATE = ("kafka_passwords", "rabbitmq_passwords", "rabbitmq_management_url")
GIVEN = frozenset({*OF_EACH, *WITH_DATABASE, *ON_NEED, *OF_MIGRATE})
"""Settings that a child process gets through its standard input, or must not get."""
OF_ONE = {
    "sign_in_providers": "auth",
    "bounces_mailbox": "notifications",
    "bounces_secret": "notifications",
    "search_url": "vacancies",
}
"""Settings that one service gets, as they are in the environment."""

TOGETHER = "services"
"""The name of a process of all services."""

LIBRARIES = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "OPENBLAS_NUM_THREADS": "1",
}
"""Settings of glibc and OpenBLAS, unless the environment has others (the Dockerfile sets the same).

Freed memory returns to the machine instead of staying in an arena for each thread. Small matrices
need no threads: waiting for each other, these took most of the time of a phrase.
"""


class AlreadyRunning(Exception):
    """A platform is already running in this data directory."""


class PortTaken(Exception):
    """Another program listens on a service's port."""


class NotMigrated(Exception):
    """`hirewire migrate` has failed, and has said why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"hirewire migrate ended with {code}")
        self.code = code


@dataclass(frozen=True)
class Plan:
    """Services and engines to run."""

    settings: Settings
    data_dir: Path
    broker: BrokerChoice
    services: Sequence[Manifest]
    """Processes to start, in order."""
    broker_users: Sequence[str]
    """Services that get their own broker user on a private node."""
    single: bool = False
    """Whether all services run in one process."""

    @property
    def gateway(self) -> Manifest | None:
        """The service that people connect to, if it is to be started."""
        return next((one for one in self.services if one.is_public), None)

    def shares(self) -> dict[str, Sequence[Manifest]]:
        """The processes, by name, and the services of each."""
        if self.single:
            return {TOGETHER: self.services}
        return {one.name: [one] for one in self.services}


async def run_platform(plan: Plan, console: Console) -> int:
    """Start everything, run until stopped, stop everything; returns the exit code.

    Raises `AlreadyRunning`, `NotMigrated`, `PortTaken`, and the errors of engines that cannot
    start.
    """
    started = time.monotonic()
    try:
        lock = hold_state(plan.data_dir)
    except FolderInUse:
        other = read_state(plan.data_dir)
        where = f" (pid {other.pid}, {other.public_url})" if other is not None else ""
        raise AlreadyRunning(
            f"a platform is already running in {plan.data_dir} already{where}"
        ) from None
    with lock:
        _refuse_taken_ports(plan)
        return await _run(plan, console, started)


def _refuse_taken_ports(plan: Plan) -> None:
    """Raise `PortTaken` if another program listens on one of our ports."""
    for name in (one.name for one in plan.services):
        port = plan.settings.port(name)
        if not is_free(plan.settings.host, port):
            raise PortTaken(
                f"port {port} of {plan.settings.host} is taken; {name} listens there: set "
                f"HIREWIRE_{name.upper()}_PORT to another one"
            )


async def _run(plan: Plan, console: Console, started: float) -> int:
    async with AsyncExitStack() as stack:
        page = await _opened_page(plan, stack)
        shares = plan.shares()
        children = [_child(name, of, plan, page) for name, of in shares.items()]
        migrating = Child("migrate", [*HIREWIRE, "migrate", "--gate"], _environment(), gated=True)
        prepared = Prepared([*children, migrating])
        stack.push_async_callback(prepared.abandon)
        prepared.begin()
        supervisor = Supervisor(
            children,
            run_dir=plan.data_dir / "run",
            prepared=prepared,
            on_all_ready=lambda: _say_ready(plan, started, console),
            on_stop=lambda: console.print("[dim]Hirewire is stopping[/]"),
        )
        settings = await _database(plan, stack, console)
        _now(page, "broker")
        settings, addresses = await _broker(plan, settings, stack, console)
        _now(page, "schema")
        settings = _mail(plan, _completed(plan, settings), console)
        with console.status("migrating databases and queues"):
            await _migrate(migrating, prepared, settings)
        write_state(plan.data_dir, _state(settings, addresses))
        stack.callback(clear_state, plan.data_dir)
        _now(page, "services")
        if page is not None:
            await page.hand_over()
        return await supervisor.run(
            {
                name: {one.name: _given(one, settings, addresses.get(one.name)) for one in of}
                for name, of in shares.items()
            }
        )


async def _migrate(migrating: Child, prepared: Prepared, settings: Settings) -> None:
    """Run `hirewire migrate` in a process of its own: its code is in no memory afterwards."""
    process = await prepared.take(migrating) or start(migrating)
    give(process, {migrating.name: _variables(settings, GIVEN)})
    try:
        while (code := process.poll()) is None:
            await asyncio.sleep(0.02)
    finally:
        await stop(process)
    if code:
        raise NotMigrated(code)


async def _opened_page(plan: Plan, stack: AsyncExitStack) -> StartupPage | None:
    """Open the startup page. Raises `PortTaken`."""
    if plan.gateway is None:
        return None
    name = plan.gateway.name
    host, port = plan.settings.host, plan.settings.port(name)
    try:
        return await stack.enter_async_context(StartupPage(host, port))
    except OSError as error:
        raise PortTaken(
            f"{name} cannot listen at port {port} of {host}: {error.strerror}"
        ) from None


def _now(page: StartupPage | None, step: str) -> None:
    if page is not None:
        page.now(step)


async def _database(plan: Plan, stack: AsyncExitStack, console: Console) -> Settings:
    if plan.settings.database_url is not None:
        return plan.settings
    with console.status("starting the embedded PostgreSQL"):
        server = EmbeddedPostgres(plan.data_dir / "postgres", small=plan.single)
        postgres = await stack.enter_async_context(server)
        await stack.enter_async_context(kept_running(postgres))
    console.print(f"[dim]PostgreSQL: embedded, data in {plan.data_dir / 'postgres'}[/]")
    return plan.settings.model_copy(update={"database_url": postgres.url("hirewire")})


async def _broker(
    plan: Plan, settings: Settings, stack: AsyncExitStack, console: Console
) -> tuple[Settings, dict[str, str]]:
    """Returns settings with the broker's address, and each service's own if it has one."""
    if plan.broker == "postgres" or settings.broker_url is not None:
        scheme = urlsplit(settings.broker_address()).scheme
        console.print(f"[dim]broker: {'PostgreSQL' if scheme == 'postgresql' else 'served'}[/]")
        return settings.model_copy(update={"broker_url": settings.broker_address()}), {}
    if plan.broker == "kafka":
        return await _kafka(plan, settings, stack, console), {}
    return await _rabbitmq(plan, settings, stack, console)


async def _kafka(
    plan: Plan, settings: Settings, stack: AsyncExitStack, console: Console
) -> Settings:
    folder = plan.data_dir / "kafka"
    with console.status("starting a private Kafka node (the first time, its jars are fetched)"):
        node = await stack.enter_async_context(PrivateKafka(folder, settings.kafka_home))
        await stack.enter_async_context(kept_running(node))
    console.print(f"[dim]broker: Kafka at {node.url}, data in {folder}[/]")
    return settings.model_copy(update={"broker_url": node.url})


async def _rabbitmq(
    plan: Plan, settings: Settings, stack: AsyncExitStack, console: Console
) -> tuple[Settings, dict[str, str]]:
    with console.status("starting a private RabbitMQ node"):
        node = await stack.enter_async_context(PrivateRabbitMQ(plan.data_dir / "rabbitmq"))
        await stack.enter_async_context(kept_running(node))
    passwords = broker_passwords(plan.data_dir, plan.broker_users)
    settings = settings.model_copy(
        update={
            "broker_url": node.url,
            "rabbitmq_management_url": node.management_url,
            "rabbitmq_passwords": passwords,
        }
    )
    page = urlsplit(node.management_url)
    console.print(
        f"[dim]broker: RabbitMQ; management page: http://{page.hostname}:{page.port}, sign in as "
        f"{page.username} (password in {plan.data_dir / 'rabbitmq'})[/]"
    )
    addresses = {name: as_user(node.url, name, password) for name, password in passwords.items()}
    return settings, addresses


def _completed(plan: Plan, settings: Settings) -> Settings:
    """Returns settings with the secrets, the folder and the address that were not given."""
    return settings.model_copy(
        update={
            "operator_token": settings.operator_token or operator_token(plan.data_dir),
            "secret_key": settings.secret_key or secret_key(plan.data_dir),
            "search_dir": settings.search_dir or plan.data_dir / "search",
            "public_url": public_url(settings),
        }
    )


def _mail(plan: Plan, settings: Settings, console: Console) -> Settings:
    """Returns settings with a folder for mails if no server is set."""
    if settings.smtp_url is not None:
        return settings
    folder = plan.data_dir / "mails"
    where = f"{public_url(settings)}/dev/mail" if plan.gateway is not None else str(folder)
    console.print(f"[dim]mail: no SMTP server is set, so mails are kept: {where}[/]")
    return settings.model_copy(update={"smtp_url": f"file://{quote(str(folder.absolute()))}"})


def as_user(url: str, user: str, password: str) -> str:
    """The address of a broker for one of its users."""
    parts = urlsplit(url)
    host = f"{quote(user)}:{quote(password, safe='')}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=host))


def _state(settings: Settings, addresses: Mapping[str, str]) -> RunningPlatform:
    assert settings.database_url is not None
    return RunningPlatform(
        pid=os.getpid(),
        public_url=public_url(settings),
        database_url=settings.database_url,
        broker_url=settings.broker_address(),
        rabbitmq_management_url=settings.rabbitmq_management_url,
        broker_urls=dict(addresses),
        operator_token=settings.operator_token,
        secret_key=settings.secret_key,
        smtp_url=settings.smtp_url,
    )


def public_url(settings: Settings) -> str:
    """The configured public address, or one made from the gateway's host and port."""
    if "public_url" in settings.model_fields_set:
        return settings.public_url
    return settings.service_url(settings.gateway.name)


def _child(name: str, services: Sequence[Manifest], plan: Plan, page: StartupPage | None) -> Child:
    """A process of services: it loads its code while the engines start, then reads its settings."""
    is_public = any(one.is_public for one in services)
    passed = [page.socket.fileno()] if page is not None and is_public else []
    listening = [f"--listening={passed[0]}"] if passed else []
    names = [one.name for one in services]
    served = plan.settings.broker_url
    broker = broker_at(served) if served else plan.broker
    return Child(
        name=name,
        argv=[*HIREWIRE, "serve", *names, "--gate", f"--load-broker={broker}", *listening],
        passed=passed,
        env=_environment(),
        ready_urls=[f"{plan.settings.service_url(one)}/health/ready" for one in names],
        gated=True,
    )


def _environment() -> dict[str, str]:
    withheld = GIVEN | OF_ONE.keys()
    return LIBRARIES | {k: v for k, v in os.environ.items() if _setting_of(k) not in withheld}


def _setting_of(variable: str) -> str | None:
    """The name of the setting that a variable of the environment sets, itself or from a file."""
    name = variable.upper()
    return (
        name.removeprefix(PREFIX).removesuffix("_FILE").lower() if name.startswith(PREFIX) else None
    )


def _given(service: Manifest, settings: Settings, broker_url: str | None) -> dict[str, str]:
    """What a service reads from its standard input; `broker_url` is its own, if it has one."""
    names = {*OF_EACH, *(name for name in ON_NEED if name in service.needs)}
    if service.has_database:
        names.update(WITH_DATABASE)
    if broker_url is not None:
        settings = settings.model_copy(update={"broker_url": broker_url})
    own = {k: v for k, v in os.environ.items() if OF_ONE.get(_setting_of(k) or "") == service.name}
    return own | _variables(settings, names)


def _variables(settings: Settings, names: Iterable[str]) -> dict[str, str]:
    """These settings as variables of the environment, without those that are not set."""
    values = {f"{PREFIX}{name.upper()}": getattr(settings, name) for name in names}
    return {
        variable: json.dumps(value) if isinstance(value, dict) else str(value)
        for variable, value in values.items()
        if value
    }


def _say_ready(plan: Plan, started: float, console: Console) -> None:
    spent = time.monotonic() - started
    names = ", ".join(one.name for one in plan.services)
    where = public_url(plan.settings) if plan.gateway is not None else names
    console.print(f"[bold green]Hirewire is ready:[/] {where}  [dim]({spent:.1f} s)[/]")
