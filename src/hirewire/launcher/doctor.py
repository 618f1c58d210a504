"""`hirewire doctor`: checks the machine, settings, engines and the running platform."""

import os
import shutil
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import psutil
import structlog
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.engine import make_url

from hirewire.kit import clock
from hirewire.kit.db import check_addresses, make_engine
from hirewire.kit.mail import queue
from hirewire.kit.search_clusters import connected
from hirewire.kit.settings import Settings, SettingsError
from hirewire.launcher import kafka_jars
from hirewire.launcher.rabbitmq import find_server
from hirewire.messaging.addresses import servers_of
from hirewire.messaging.background import describe
from hirewire.messaging.broker import open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.pooling import options_of

log = structlog.get_logger(__name__)
STATUS_STYLE = {"ok": "green", "warn": "yellow", "fail": "red"}
OLDEST_POSTGRES = 150000
LATE_MAIL = timedelta(minutes=15)
"""The age of an unsent mail that gives a warning."""
LATE_ERASURE_SECONDS = 3600.0
"""An account's erasure that some service has not answered for so long is a failure."""
_OPEN_ERASURES = """
select extract(epoch from clock_timestamp() - e.erased_at)::float8 as age, array(
    select s from unnest(e.services) s where not exists (
        select from erasure_answer a where a.erasure_id = e.id and a.service = s)) as waiting
from erasure e where e.completed_at is null
"""
SKEW_SECONDS = (2.0, 30.0)
"""Clock differences, in seconds, that give a warning and a failure."""

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    status: Status
    detail: str


async def examine(settings: Settings, data_dir: Path, processes: Sequence[str]) -> list[Check]:
    """Run all checks; returns the results in the order of the report."""
    checks = [_python(), _given(settings), _disk(data_dir)]
    checks += [_rabbitmq_server(), _kafka_node(settings)]
    checks += await _database(settings)
    checks.append(await _broker(settings))
    checks += await _search(settings)
    services = [await _service(settings, name) for name in processes]
    checks += _secret_key(settings, services) + services
    checks += await _mails(settings)
    checks += await _erasures(settings)
    checks += _memory(data_dir)
    return checks


def print_report(checks: Iterable[Check], console: Console) -> int:
    """Print the report. Returns 1 if a check has failed, else 0."""
    table = Table("check", "", "detail")
    failed = 0
    for check in checks:
        failed += check.status == "fail"
        style = STATUS_STYLE[check.status]
        table.add_row(check.name, f"[{style}]{check.status}[/]", escape(check.detail))
    console.print(table)
    return 1 if failed else 0


def _python() -> Check:
    text = ".".join(str(part) for part in sys.version_info[:3])
    return Check("Python", "ok" if sys.version_info >= (3, 11) else "fail", text)


def _given(settings: Settings) -> Check:
    """The names of the settings in the environment: their values may be secret. They are valid."""
    names = ", ".join(f"HIREWIRE_{name.upper()}" for name in sorted(settings.model_fields_set))
    return Check("settings", "ok", names or "none set, all defaults apply")


def _disk(data_dir: Path) -> Check:
    folder = next(p for p in (data_dir, *data_dir.parents) if p.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return Check("data folder", "fail", f"{data_dir} cannot be written to")
    free = shutil.disk_usage(folder).free / 2**30
    return Check("data folder", "ok" if free > 1 else "warn", f"{data_dir}, {free:.1f} GiB free")


def _rabbitmq_server() -> Check:
    found = find_server()
    detail = str(found) if found else "not on this machine (only --broker rabbitmq needs it)"
    return Check("rabbitmq-server", "ok", detail)


def _kafka_node(settings: Settings) -> Check:
    """Where the program of a private node is."""
    java = kafka_jars.find_java()
    if java is None:
        return Check("Kafka node", "ok", "no Java on this machine (only --broker kafka needs it)")
    jars = settings.kafka_home or kafka_jars.cache_folder()
    fetched = settings.kafka_home is not None or kafka_jars.is_fetched()
    return Check("Kafka node", "ok", f"{java}, jars {f'in {jars}' if fetched else 'not fetched'}")


async def _database(settings: Settings) -> list[Check]:
    if settings.direct_url is None:
        return [Check("PostgreSQL", "warn", "no address set, and no platform is running here")]
    try:
        url = make_url(settings.direct_url).set(database="postgres")
        connection = await connect(
            url.render_as_string(hide_password=False), application="hirewire doctor"
        )
        number = int(await connection.fetchval("show server_version_num"))
        text = await connection.fetchval("show server_version")
        there = await connection.fetchval("select clock_timestamp()")
        here = clock.now()
        await connection.close()
    except Exception as error:
        return [Check("PostgreSQL", "fail", describe(error))]
    status: Status = "ok" if number >= OLDEST_POSTGRES else "fail"
    checks = [Check("PostgreSQL", status, f"{text} (15 or later)"), _clock(here, there)]
    return [*checks, *await _addresses(settings)]


async def _addresses(settings: Settings) -> list[Check]:
    """Whether sessions are our own; and of a pooler, whether it keeps prepared statements."""
    try:
        await check_addresses(settings, "auth")
    except SettingsError as error:
        return [Check("sessions", "fail", str(error))]
    if (shared := settings.shared_database("auth")) is None:
        return []
    try:
        is_slower = bool(await options_of(shared))
    except Exception as error:
        return [Check("pooler", "fail", describe(error))]
    if is_slower:
        text = (
            "it keeps no prepared statements, so each is parsed again: PgBouncer 1.21 or later "
            "does, with max_prepared_statements"
        )
        return [Check("pooler", "warn", text)]
    return [Check("pooler", "ok", "it keeps prepared statements")]


def _clock(here: datetime, there: datetime) -> Check:
    apart = abs((here - there).total_seconds())
    slight, much = SKEW_SECONDS
    status: Status = "ok" if apart < slight else "warn" if apart < much else "fail"
    return Check("clock", status, f"{apart:.1f} s apart from PostgreSQL's")


async def _search(settings: Settings) -> list[Check]:
    """Whether the search cluster answers, if there is one, and has all its data."""
    cluster = settings.search_cluster
    if cluster is None:
        return []
    try:
        async with connected(cluster) as client:
            version = (await client.info())["version"]["number"]
            health = (await client.cluster.health())["status"]
    except Exception as error:
        return [Check("search cluster", "fail", describe(error))]
    levels: dict[str, Status] = {"green": "ok", "yellow": "warn"}
    detail = f"OpenSearch {version}, {health}, indexes {cluster.prefix}-*"
    return [Check("search cluster", levels.get(health, "fail"), detail)]


async def _broker(settings: Settings) -> Check:
    if settings.broker_url is None and settings.database_url is None:
        return Check("broker", "warn", "no address set, and no platform is running here")
    address = settings.broker_address()
    try:
        broker = open_broker(address, client="doctor")
        try:
            await broker.ping()
        finally:
            await broker.close()
        return Check("broker", "ok", _places(address))
    except Exception as error:
        return Check("broker", "fail", describe(error))


def _places(address: str) -> str:
    """The address without its password; of several servers, all."""
    parts = urlsplit(address)
    places = parts.netloc.rpartition("@")[2]
    if parts.scheme == "postgresql":
        places = ",".join(f"{one.host}:{one.port}" for one in servers_of(address))
    return f"{parts.scheme}://{places}"


def _secret_key(settings: Settings, services: Sequence[Check]) -> list[Check]:
    """Nothing where the embedded mode makes one, or where each service that needs it runs."""
    if settings.secret_key is not None:
        return [Check("secret key", "ok", f"{len(settings.secret_key.split(','))} set")]
    ready = {check.name for check in services if check.status == "ok"}
    needing = [one.name for one in settings.manifests if "secret_key" in one.needs]
    missing = [name for name in needing if name not in ready]
    if settings.database_url is None or not missing:
        return []
    names = ", ".join(missing)
    text = f"HIREWIRE_SECRET_KEY is not set: {names} need it, and auth does not start"
    return [Check("secret key", "fail", text)]


async def _mails(settings: Settings) -> list[Check]:
    """How many mails wait and are dead, of each service that sends mail and has a database."""
    senders = [one.name for one in settings.manifests if "secret_key" in one.needs]
    if settings.database_url is None:
        return []
    checks = []
    for name in senders:
        engine = make_engine(settings.service_database(name), pool=1, application="doctor")
        try:
            async with engine.connect() as connection:
                checks.append(_backlog(name, await queue.backlog(connection)))
        except Exception as error:  # no database yet, or an older one: its own check says so
            log.debug("mails not counted", service=name, error=describe(error))
        finally:
            await engine.dispose()
    return checks


def _backlog(name: str, backlog: queue.Backlog) -> Check:
    text = f"{backlog.queued} waiting, {backlog.dead} dead"
    if backlog.queued:
        text += f", the oldest for {backlog.oldest.total_seconds() / 60:.0f} min"
    is_late = backlog.dead > 0 or backlog.oldest > LATE_MAIL
    hint = "; see `hirewire mails list`" if backlog.dead else ""
    return Check(f"mails of {name}", "warn" if is_late else "ok", text + hint)


async def _erasures(settings: Settings) -> list[Check]:
    """Whether a deleted account waits for a service's answer; nothing without a database."""
    if settings.database_url is None:
        return []
    try:
        connection = await connect(settings.service_database("auth"), application="hirewire doctor")
        try:
            rows = await connection.fetch(_OPEN_ERASURES)
        finally:
            await connection.close()
    except Exception:
        return []  # the lines of the database and of auth say why
    if not rows:
        return [Check("erasures", "ok", "none is open")]
    oldest = max(row["age"] for row in rows)
    waiting = sorted({name for row in rows for name in row["waiting"]})
    status: Status = "fail" if oldest > LATE_ERASURE_SECONDS else "ok"
    text = f"{len(rows)} open for up to {oldest:.0f} s, waiting for {', '.join(waiting)}"
    return [Check("erasures", status, text)]


async def _service(settings: Settings, name: str) -> Check:
    url = f"{settings.service_url(name)}/health/ready"
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            answer = await client.get(url)
    except httpx.HTTPError:
        if _taken(url):
            return Check(
                name, "fail", f"a program that does not speak HTTP, or hangs, listens at {url}"
            )
        return Check(name, "warn", f"no response at {url}")
    if answer.status_code not in (200, 503) or not _is_json(answer):
        return Check(name, "fail", f"another program listens at {url}: its port is taken")
    return Check(name, "ok" if answer.status_code == 200 else "fail", answer.text[:200])


def _taken(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def _is_json(answer: httpx.Response) -> bool:
    return "json" in answer.headers.get("content-type", "")


@dataclass(frozen=True)
class _Memory:
    """Bytes: `pss` divides a shared page among its processes, `rss` counts it for each of them."""

    pss: int = 0
    rss: int = 0

    def __add__(self, other: "_Memory") -> "_Memory":
        return _Memory(self.pss + other.pss, self.rss + other.rss)


def _memory(data_dir: Path) -> list[Check]:
    """Memory by process group: as PSS if the kernel reports it, RSS in brackets."""
    groups: dict[str, _Memory] = {}
    for path in sorted((data_dir / "run").glob("*.pid")):
        _count(groups, path.stem, path)
    for path in data_dir.glob("postgres/cluster-*/postmaster.pid"):
        _count(groups, "PostgreSQL", path)
    for process in psutil.process_iter(["cmdline"]):
        for name in ("RabbitMQ", "Kafka"):
            if any(str(data_dir / name.lower()) in part for part in process.info["cmdline"] or ()):
                groups[name] = groups.get(name, _Memory()) + _memory_of(process)
    if not groups:
        return []
    detail = ", ".join(f"{n} {m.pss >> 20} ({m.rss >> 20})" for n, m in groups.items())
    total = sum(groups.values(), _Memory())
    return [
        Check("memory", "ok", f"{total.pss >> 20} ({total.rss >> 20} RSS) MiB in total: {detail}")
    ]


def _count(groups: dict[str, _Memory], name: str, path: Path) -> None:
    try:
        process = psutil.Process(int(path.read_text().split()[0]))
        family = [process, *process.children(recursive=True)]
    except (OSError, ValueError, IndexError, psutil.Error):
        return
    groups[name] = sum((_memory_of(one) for one in family), _Memory())


def _memory_of(process: psutil.Process) -> _Memory:
    try:
        rss = int(process.memory_info().rss)
    except psutil.Error:
        return _Memory()
    try:
        return _Memory(int(process.memory_full_info().pss), rss)
    except (psutil.Error, AttributeError):
        return _Memory(rss, rss)
