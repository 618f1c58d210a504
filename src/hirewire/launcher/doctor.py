"""`hirewire doctor`: this machine, the settings, the engines, the running platform, its memory."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from hirewire.kit.settings import Settings
from hirewire.launcher.rabbitmq import find_server
from hirewire.messaging.broker import open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.loops import describe

STATUS_STYLE = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str


async def examine(settings: Settings, data_dir: Path, processes: Sequence[str]) -> list[Check]:
    """All checks, in the order in which they are worth reading."""
    checks = [_python(), _disk(data_dir), _rabbitmq_server()]
    checks.append(await _database(settings))
    checks.append(await _broker(settings))
    for name in processes:
        checks.append(await _service(settings, name))
    checks += _memory(data_dir)
    return checks


def print_report(checks: Iterable[Check], console: Console) -> int:
    """Print the table. 1 when a check has failed, else 0."""
    table = Table("check", "", "detail")
    failed = 0
    for check in checks:
        failed += check.status == "fail"
        style = STATUS_STYLE[check.status]
        table.add_row(check.name, f"[{style}]{check.status}[/]", check.detail)
    console.print(table)
    return 1 if failed else 0


def _python() -> Check:
    text = ".".join(str(part) for part in sys.version_info[:3])
    return Check("Python", "ok" if sys.version_info >= (3, 11) else "fail", text)


def _disk(data_dir: Path) -> Check:
    folder = next(p for p in (data_dir, *data_dir.parents) if p.exists())
    free = shutil.disk_usage(folder).free / 2**30
    if data_dir.exists() and not os.access(data_dir, os.W_OK):
        return Check("data folder", "fail", f"{data_dir} cannot be written to")
    status: Literal["ok", "warn"] = "ok" if free > 1 else "warn"
    return Check("data folder", status, f"{data_dir}, {free:.1f} GiB free")


def _rabbitmq_server() -> Check:
    found = find_server()
    detail = str(found) if found else "not on this machine (only --broker rabbitmq needs it)"
    return Check("rabbitmq-server", "ok", detail)


async def _database(settings: Settings) -> Check:
    if settings.database_url is None:
        return Check("PostgreSQL", "warn", "no address, and no platform runs here")
    try:
        url = settings.database_url.rpartition("/")[0] + "/postgres"
        connection = await connect(url, application="hirewire doctor")
        number = int(await connection.fetchval("show server_version_num"))
        text = await connection.fetchval("show server_version")
        await connection.close()
    except Exception as error:
        return Check("PostgreSQL", "fail", describe(error))
    return Check("PostgreSQL", "ok" if number >= 150000 else "fail", f"{text} (15 or later)")


async def _broker(settings: Settings) -> Check:
    if settings.broker_url is None and settings.database_url is None:
        return Check("broker", "warn", "no address, and no platform runs here")
    address = settings.broker_address()
    broker = open_broker(address, client="doctor")
    try:
        await broker.ping()
    except Exception as error:
        return Check("broker", "fail", describe(error))
    finally:
        await broker.close()
    parts = urlsplit(address)
    return Check("broker", "ok", f"{parts.scheme}://{parts.hostname}:{parts.port}")


async def _service(settings: Settings, name: str) -> Check:
    url = f"{settings.service_url(name)}/health/ready"
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            answer = await client.get(url)
    except httpx.HTTPError:
        return Check(name, "warn", f"does not answer at {url}")
    return Check(name, "ok" if answer.status_code == 200 else "fail", answer.text[:200])


def _memory(data_dir: Path) -> list[Check]:
    """Memory by process group, as PSS where the kernel tells it (shared pages counted once)."""
    groups: dict[str, int] = {}
    for path in sorted((data_dir / "run").glob("*.pid")):
        _count(groups, path.stem, path)
    for path in data_dir.glob("postgres/cluster-*/postmaster.pid"):
        _count(groups, "PostgreSQL", path)
    for process in psutil.process_iter(["cmdline"]):
        if any(str(data_dir / "rabbitmq") in part for part in process.info["cmdline"] or ()):
            groups["RabbitMQ"] = groups.get("RabbitMQ", 0) + _memory_of(process)
    if not groups:
        return []
    detail = ", ".join(f"{name} {size / 2**20:.0f}" for name, size in groups.items())
    total = sum(groups.values()) / 2**20
    return [Check("memory", "ok", f"{total:.0f} MiB in all: {detail}")]


def _count(groups: dict[str, int], name: str, path: Path) -> None:
    try:
        process = psutil.Process(int(path.read_text().split()[0]))
        family = [process, *process.children(recursive=True)]
    except (OSError, ValueError, IndexError, psutil.Error):
        return
    groups[name] = sum(_memory_of(one) for one in family)


def _memory_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.Error, AttributeError):
        try:
            return int(process.memory_info().rss)
        except psutil.Error:
            return 0
