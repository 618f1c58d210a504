"""Mails about notices: how soon one is with the SMTP server, and a morning of daily mails.

The whole platform runs over RabbitMQ, and an SMTP server in a process of its own takes the mails.
First, an employer moves an application to and fro, and each move is a mail: the measured time goes
from the response to it (its transaction is committed by then) to the server's acceptance. Then
100,000 people have a daily mail due at once, each about five jobs: the time until the server has
taken all, and the memory of `notifications`.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx

from bench.live import Scene, platform
from bench.measure import Figure, Options, percentile
from bench.notices import pss
from bench.places import Bench
from hirewire.kit.clock import now
from hirewire.kit.environment import load_settings
from hirewire.kit.settings import Settings
from hirewire.launcher.process import spawn, stop
from hirewire.launcher.state import found_settings
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id

AT_ONCE, QUICK_AT_ONCE = 400, 30
PEOPLE, QUICK_PEOPLE = 100_000, 2_000
MATCHES = 5
JOBS = 500
STATES = ("consider", "interview")
AT_MOST_MS = 500
AT_MOST_SECONDS = 600
AT_MOST_MIB = 256
PATIENCE = 1800.0


class Sink:
    """The mail server as the benchmark sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = (folder / "port").read_text()

    def _lines(self) -> list[str]:
        return (self._folder / "mails").read_text().splitlines()

    def last(self, reader: str) -> float:
        """When the last mail to this address was accepted."""
        return max(float(line.split()[0]) for line in self._lines() if line.endswith(reader))

    def count(self, reader: str = "") -> int:
        """How many mails were accepted for this address, or for everybody's."""
        return sum(1 for line in self._lines() if line.endswith(reader))


@asynccontextmanager
async def sinking() -> AsyncIterator[Sink]:
    """The mail server in its own process."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-") as name:
        folder = Path(name)
        with open(folder / "log", "wb") as log:
            process = spawn(
                [sys.executable, "-m", "bench.mail_sink", name], env=dict(os.environ), output=log
            )
        try:
            while not (folder / "port").exists():
                await asyncio.sleep(0.05)
            yield Sink(folder)
        finally:
            await stop(process, (signal.SIGTERM, 5))


async def run(_: Bench, options: Options) -> list[Figure]:
    """The latency of mails at once, then the rate and the memory of daily ones."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with sinking() as sink:
            given = {"HIREWIRE_SMTP_URL": f"smtp://127.0.0.1:{sink.port}"}
            async with (
                platform(folder / "data", settings=given) as url,
                httpx.AsyncClient(base_url=url, timeout=60) as client,
            ):
                settings = found_settings(load_settings(), folder / "data")
                scene = Scene(client)
                await scene.begin()
                moves = options.count(AT_ONCE, QUICK_AT_ONCE)
                taken = await _at_once(settings, sink, scene, moves)
                count = options.count(PEOPLE, QUICK_PEOPLE)
                seconds, highest = await _daily(settings, sink, folder / "data", count)
    return [
        Figure("committed -> mail accepted by the server: p50", [percentile(taken, 0.5)], "ms"),
        Figure("… p95", [percentile(taken, 0.95)], "ms", at_most=AT_MOST_MS),
        Figure(f"{count:,} daily mails, due at once", [seconds], "s", at_most=AT_MOST_SECONDS),
        Figure("… rate", [count / seconds], "mails/s"),
        Figure("… `notifications`, highest: PSS", [highest], "MiB", at_most=AT_MOST_MIB),
    ]


async def _people(settings: Settings, prefix: str, count: int) -> list[UUID]:
    """People with verified addresses, who read in two languages."""
    ids = [new_id() for _ in range(count)]
    connection = await connect(settings.service_database("notifications"), application="bench")
    try:
        rows = [
            (id, f"{prefix}{n}@bench.example", True, ("en", "ru")[n % 2], "Europe/Moscow")
            for n, id in enumerate(ids)
        ]
        columns = ["user_id", "email", "is_verified", "language", "time_zone"]
        await connection.copy_records_to_table("person", records=rows, columns=columns)
    finally:
        await connection.close()
    return ids


async def _at_once(settings: Settings, sink: Sink, scene: Scene, count: int) -> list[float]:
    """Milliseconds from the response to each move to the acceptance of its mail."""
    application = await scene.apply()
    me = await scene.call("candidate", "GET", "/api/auth/me")
    path, taken = f"/api/vacancies/applications/{application}/stage", list[float]()
    connection = await connect(settings.service_database("notifications"), application="bench")
    try:
        for n in range(count):
            # As if each were another person's: what follows within a minute would be gathered.
            await connection.execute(
                "update person set mailed_at = null, is_verified = true where user_id = $1",
                UUID(me["id"]),
            )
            before = sink.count(me["email"])
            await scene.call("employer", "POST", path, {"stage": STATES[n % 2]})
            committed = time.monotonic()
            async with asyncio.timeout(60):
                while sink.count(me["email"]) == before:
                    await asyncio.sleep(0.01)
            taken.append((sink.last(me["email"]) - committed) * 1000)
    finally:
        await connection.close()
    return taken[len(taken) // 10 :]  # the first ones warm everything up


async def _daily(settings: Settings, sink: Sink, data: Path, count: int) -> tuple[float, float]:
    """Seconds until all daily mails are taken, and the highest memory of the service in MiB."""
    people = await _people(settings, "day", count)
    before = sink.count()
    connection = await connect(settings.service_database("notifications"), application="bench")
    try:
        await _matches(connection, people)
        started, highest = time.monotonic(), pss(data)
        await connection.execute(
            "insert into mail_plan (user_id, due_at) "
            "select user_id, now() from person where email like 'day%'"
        )
        async with asyncio.timeout(PATIENCE):
            while sink.count() < before + count:
                highest = max(highest, pss(data))
                await asyncio.sleep(1)
        return time.monotonic() - started, highest
    finally:
        await connection.close()


async def _matches(connection: "asyncpg.Connection[asyncpg.Record]", people: list[UUID]) -> None:
    """A notice of each person about some new jobs, of the day before yesterday."""
    since, company = now() - timedelta(days=2), new_id()
    jobs = [new_id() for _ in range(JOBS)]
    await connection.execute("insert into company (id, name) values ($1, 'Acme')", company)
    await connection.copy_records_to_table(
        "vacancy",
        records=[(id, company, 1, "published", f"Cook {n}", 1) for n, id in enumerate(jobs)],
        columns=["id", "company_id", "version", "status", "title", "title_version"],
    )
    notices = [new_id() for _ in people]
    resumes = [new_id() for _ in people]
    await connection.copy_records_to_table(
        "notice",
        records=[
            (
                *(notice, user, "recommended_vacancy", "applicant", new_id(), since),
                *(MATCHES, resume, resume, since),
            )
            for notice, user, resume in zip(notices, people, resumes, strict=True)
        ],
        columns=[
            *("id", "user_id", "kind", "side", "event_id", "at"),
            *("count", "about_id", "resume_id", "mail_since"),
        ],
    )
    await connection.copy_records_to_table(
        "notice_match",
        records=[
            (notice, jobs[(n + k) % JOBS], resume, 1)
            for n, (notice, resume) in enumerate(zip(notices, resumes, strict=True))
            for k in range(MATCHES)
        ],
        columns=["notice_id", "vacancy_id", "resume_id", "position"],
    )
    await connection.execute("analyze")
