"""`notifications` is added to a system with 100,000 past events, on each broker.

The past is made in bulk: rows in the owners' tables, and their events in the logs, as they stay
there after publication. Of one person in ten, and of what is theirs, the log has nothing more. Then
the platform starts with the service, and somebody writes a message while it catches up. Its tables
are compared with the owners' row by row; nobody may be notified of the past, and the message makes
one notice.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx

from bench.live import Scene, free_ports, platform
from bench.measure import Figure, Options
from bench.past import OWNERS, make_past
from bench.places import Bench
from hirewire.kit.environment import load_settings
from hirewire.kit.settings import Settings
from hirewire.launcher.state import found_settings
from hirewire.messaging.broker import open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.publishing.subscribers import remove_subscriber

NEWCOMER = "notifications"
PATIENCE = 900.0
EVENTS, QUICK_EVENTS = 100_000, 5_000
_TABLES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "auth": (
        (
            "people",
            "select id, email, blocked_at is not null as is_blocked from user_account",
            "select user_id, email, is_blocked from person",
        ),
    ),
    "profiles": (
        (
            "resumes",
            "select id, user_id, version, title, "
            "status = 'published' and visibility = 'recommended' as visible from resume",
            "select id, user_id, version, title, is_visible from resume where not is_deleted",
        ),
    ),
    "vacancies": (
        (
            "employers",
            "select user_id, company_id from employer_profile",
            "select user_id, company_id from employer",
        ),
        (
            "companies",
            "select c.id, c.name from company c "
            "where exists (select from employer_profile where company_id = c.id)",
            "select id, name from company",
        ),
        (
            "vacancies",
            "select id, company_id, version, title, case when held and status = 'published' "
            "then 'paused' else status end from vacancy where status <> 'draft'",
            "select id, company_id, version, title, status from vacancy",
        ),
        (
            "applications",
            "select id, resume_id, user_id, stage, accepted_at is not null from application",
            "select id, resume_id, user_id, stage, is_accepted from application",
        ),
    ),
}
_IS_STATED = "select complete_at from beginning"
_OPEN_REPLAYS = "select count(*) from messaging.job where state = 'open' and asked ->> 'to' = $1"
_OPEN = "select count(*) from messaging.open_message"
_AWAITED = "select count(*) from messaging.awaiting"


async def run(_: Bench, options: Options) -> list[Figure]:
    """Both brokers, one after the other."""
    figures: list[Figure] = []
    for broker in ("postgres", "rabbitmq"):
        with tempfile.TemporaryDirectory(prefix="hirewire-bench-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            figures += await _added(folder / "data", broker, options.count(EVENTS, QUICK_EVENTS))
    return figures


async def _added(data: Path, broker: str, count: int) -> list[Figure]:
    ports = free_ports()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(
            platform(data, broker=broker, without=[NEWCOMER], settings=ports)
        )
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        scene = Scene(client)
        await scene.begin()
        application = await scene.apply()
        settings = found_settings(load_settings(), data)
        await _forget(settings)
        events = await make_past(settings, count)
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(platform(data, broker=broker, settings=ports))
        ready = time.monotonic()
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        scene.client = client
        message = f"/api/vacancies/applications/{application}/messages"
        await scene.call("candidate", "POST", message, {"text": "Hello"})
        settings = found_settings(load_settings(), data)
        connections = {
            name: await connect(settings.service_database(name), application="bench")
            for name in (*OWNERS, NEWCOMER)
        }
        for connection in connections.values():
            stack.push_async_callback(connection.close)
        broker_of = open_broker(settings.broker_address(), client="bench")
        stack.push_async_callback(broker_of.close)

        async def is_done() -> bool:
            its = connections[NEWCOMER]
            if await its.fetchval(_IS_STATED) is None:
                return False
            for name in OWNERS:
                if await connections[name].fetchval(_OPEN_REPLAYS, NEWCOMER):
                    return False
            if await its.fetchval(_OPEN) or await its.fetchval(_AWAITED):
                return False
            stats = await broker_of.stats(f"hirewire.{NEWCOMER}")
            return stats.ready == 0

        async with asyncio.timeout(PATIENCE):
            while not await is_done():
                await asyncio.sleep(0.2)
        done = time.monotonic()
        await asyncio.sleep(3)  # what comes late would be counted
        differences = [line async for line in _differences(connections)]
        for line in [f"complete after {done - started:.0f} s", *differences]:
            print(f"{broker}: {line}", flush=True)
        its = connections[NEWCOMER]
        notices = await its.fetch("select kind, count from notice")
        mails = await its.fetchval("select count(*) from kit.mail")
        seen = (await scene.call("employer", "GET", "/api/notifications/notices"))["items"]
    return [
        Figure(f"{broker}: past events in the logs", [events], "", at_least=count),
        Figure("… from the start of the platform to its readiness", [ready - started], "s"),
        Figure("… to complete state", [done - started], "s"),
        Figure("… rows that differ from the owners'", [len(differences)], "", at_most=0),
        Figure("… notices beside that of the live message", [len(notices) - 1], "", at_most=0),
        Figure("… notices of the live message", [len(seen)], "", at_least=1),
        Figure("… mails", [mails], "", at_most=0),
    ]


async def _forget(settings: Settings) -> None:
    """Make the system one that has never had the service."""
    for owner in OWNERS:
        connection = await connect(settings.service_database(owner), application="bench")
        try:
            await remove_subscriber(connection, owner, NEWCOMER, "the benchmark begins")
            await connection.execute("delete from kit.stating")
            await connection.execute("delete from messaging.listener where service = $1", NEWCOMER)
            await connection.execute("delete from messaging.job")
        finally:
            await connection.close()
    broker = open_broker(settings.broker_address(), client="bench")
    try:
        await broker.delete(f"hirewire.{NEWCOMER}")
    finally:
        await broker.close()
    name = settings.service_database(NEWCOMER).rpartition("/")[2].partition("?")[0]
    connection = await connect(settings.service_database("auth"), application="bench")
    try:
        await connection.execute(f'drop database "{name}" with (force)')
    finally:
        await connection.close()


async def _differences(
    connections: Mapping[str, "asyncpg.Connection[asyncpg.Record]"],
) -> AsyncIterator[str]:
    """The rows that only the owner or only the newcomer has, up to five of each kind."""
    for owner, tables in _TABLES.items():
        for what, theirs, ours in tables:
            expected = {tuple(row) for row in await connections[owner].fetch(theirs)}
            found = {tuple(row) for row in await connections[NEWCOMER].fetch(ours)}
            for row in sorted(map(str, expected - found))[:5]:
                yield f"{what}: missing {row}"
            for row in sorted(map(str, found - expected))[:5]:
                yield f"{what}: not in {owner}: {row}"
