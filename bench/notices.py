"""Notices: how soon one is on an open page, and what many of them cost.

The whole platform runs over RabbitMQ. An employer moves an application to and fro, so that each
move is a notice to the applicant. The measured time is from the response to the move (its
transaction is committed by then) to `notice.created` in the applicant's stream, which the gateway
forwards. Then 100,000 events that make notices are recorded at once, a tenth of them for the same
applicant, who reads the list.
"""

import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil

from bench.live import Page, Scene, platform
from bench.measure import Figure, Options, percentile
from bench.past import owner_of
from bench.places import Bench
from hirewire.contracts.vacancies import ApplicationStageChanged
from hirewire.kit.environment import load_settings
from hirewire.kit.settings import Settings
from hirewire.launcher.state import found_settings
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id

MOVES, QUICK_MOVES = 400, 20
MADE, QUICK_MADE = 100_000, 2_000
READERS = 10
KEYS = 500
READS, QUICK_READS = 200, 20
AT_MOST_MS = 60
PATIENCE = 3600.0
MIB = 2**20
STATES = (("consider", "in_progress"), ("interview", "invited"))


async def run(_: Bench, options: Options) -> list[Figure]:
    """The latency of one, then the rate and the memory of many."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with platform(folder / "data") as url, AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            scene = Scene(client)
            await scene.begin()
            application = await scene.apply()
            idle = pss(folder / "data")
            page = await stack.enter_async_context(scene.page("candidate"))
            taken = await _moves(scene, page, application, options.count(MOVES, QUICK_MOVES))
            settings = found_settings(load_settings(), folder / "data")
            count = options.count(MADE, QUICK_MADE)
            me = await scene.call("candidate", "GET", "/api/auth/me")
            seconds = await _many(settings, UUID(me["id"]), count)
            loaded = pss(folder / "data")
            reads = await _reads(scene, options.count(READS, QUICK_READS))
    return [
        Figure("application moved -> notice on an open page: p50", [percentile(taken, 0.5)], "ms"),
        Figure("… p95", [percentile(taken, 0.95)], "ms", at_most=AT_MOST_MS),
        Figure("notices made, of events recorded at once", [count / seconds], "/s"),
        Figure("`notifications`, idle: PSS", [idle], "MiB"),
        Figure(f"… after {count:,} notices", [loaded], "MiB"),
        Figure(f"the list of somebody with {count // READERS:,} unread: p95", [reads[0]], "ms"),
        Figure("… its number on the bell: p95", [reads[1]], "ms"),
        Figure("… its last page: p95", [reads[2]], "ms"),
    ]


async def _moves(scene: Scene, page: Page, application: str, count: int) -> list[float]:
    """Milliseconds from the response to each move to its notice."""
    path, taken = f"/api/vacancies/applications/{application}/stage", []
    for n in range(count):
        start = len(page.came)
        await scene.call("employer", "POST", path, {"stage": STATES[n % 2][0]})
        committed = time.perf_counter()
        taken.append(max(0.0, (await page.next("notice.created", start) - committed) * 1000))
    return taken[len(taken) // 10 :]  # the first ones warm everything up


async def _many(settings: Settings, reader: UUID, count: int) -> float:
    """Record so many events that make a notice each; seconds from the first to the last notice."""
    readers = [reader, *(new_id() for _ in range(READERS - 1))]
    ids: list[dict[str, Any]] = [
        {
            "application_id": new_id(),
            "vacancy_id": new_id(),
            "company_id": new_id(),
            "resume_id": new_id(),
            "user_id": readers[n % READERS],
        }
        for n in range(KEYS)
    ]
    connection = await connect(settings.service_database("notifications"), application="bench")
    try:
        before = await connection.fetchval("select count(*) from notice")
        async with owner_of(settings, "vacancies") as vacancies:
            stage = "response"
            for n in range(count // KEYS):
                after, state = STATES[n % 2]
                vacancies.log(
                    *(
                        ApplicationStageChanged(
                            **one, previous_stage=stage, stage=after, applicant_state=state
                        )
                        for one in ids
                    )
                )
                stage = after
            started = time.monotonic()
            await vacancies.flush(is_past=False)
        async with asyncio.timeout(PATIENCE):
            while await connection.fetchval("select count(*) from notice") < before + count:
                await asyncio.sleep(0.1)
        return time.monotonic() - started
    finally:
        await connection.close()


async def _reads(scene: Scene, count: int) -> tuple[float, float, float]:
    """The 95th percentiles in milliseconds of the list, the count, and a page at the end."""
    path = "/api/notifications/notices"
    after = ""
    while True:
        page = await scene.call("candidate", "GET", f"{path}?limit=100{after}")
        if not page["next"]:
            break
        last, after = after, f"&after={page['next']}"
    found = []
    for one in (f"{path}?limit=30", f"{path}/unread", f"{path}?limit=30{last}"):
        taken = []
        for _ in range(count):
            started = time.perf_counter()
            await scene.call("candidate", "GET", one)
            taken.append((time.perf_counter() - started) * 1000)
        found.append(percentile(taken, 0.95))
    return found[0], found[1], found[2]


def pss(data: Path) -> float:
    """MiB of the service's memory, with its share of what processes have in common."""
    pid = int((data / "run" / "notifications.pid").read_text())
    assert os.path.exists(f"/proc/{pid}/smaps_rollup")
    return float(psutil.Process(pid).memory_full_info().pss) / MIB
