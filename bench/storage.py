"""Bytes of one user, resume, vacancy, match, notice and event in PostgreSQL, with all indexes.

The whole platform runs over RabbitMQ, and `hirewire demo --fill` makes a board. What a row costs is
what its tables and those that hang on it take, divided by the rows of the first one; so it includes
the empty space that writing leaves behind. Below some hundred rows a table's fixed size counts.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from bench.live import platform
from bench.measure import Figure, Options
from bench.places import Bench
from hirewire.launcher.state import read_state
from hirewire.messaging.database import connect

THINGS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "a user in auth": (
        "auth",
        (
            *("public.user_account", "public.session", "public.refresh_token"),
            *("public.one_time_secret", "public.security_event", "public.known_place"),
        ),
    ),
    "a user in profiles": ("profiles", ("public.profile",)),
    "a user in notifications": ("notifications", ("public.person",)),
    "a resume in profiles": (
        "profiles",
        ("public.resume", "public.experience", "public.education"),
    ),
    "a vacancy in vacancies": ("vacancies", ("public.vacancy",)),
    "a resume in vacancies": (
        "vacancies",
        ("public.resume", "public.comparable", "public.activity"),
    ),
    "a resume in notifications": ("notifications", ("public.resume",)),
    "a vacancy in notifications": ("notifications", ("public.vacancy",)),
    "a match in vacancies": ("vacancies", ("public.recommendation",)),
    "a match in notifications": ("notifications", ("public.notice_match",)),
    "a notice in notifications": ("notifications", ("public.notice",)),
    "an event in its owner's log": ("vacancies", ("messaging.log",)),
    "a delivery in its subscriber's inbox": ("notifications", ("messaging.inbox",)),
    "a key in its subscriber's progress": ("notifications", ("messaging.progress",)),
}
"""The service, and its tables: rows are counted in the first."""
_SIZE = """
select sum(pg_total_relation_size(c.oid))::bigint as bytes
from pg_class c left join pg_inherits i on i.inhrelid = c.oid
where c.relkind = 'r' and (c.oid = to_regclass($1) or i.inhparent = to_regclass($1))
"""


async def run(_: Bench, options: Options) -> list[Figure]:
    """Fill a board, and measure its tables."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with platform(folder / "data") as url:
            await _fill(url, options.count(2_000, 100))
            state = read_state(folder / "data")
            assert state is not None
            return await measured(state.database_url)


async def _fill(url: str, count: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hirewire", "demo", "--fill", str(count), "--url", url),
        stdout=asyncio.subprocess.DEVNULL,
        env=dict(os.environ),
    )
    if await process.wait():
        raise RuntimeError("the board could not be filled")


async def measured(database: str) -> list[Figure]:
    """The figures of a filled platform whose databases begin with this address."""
    figures = []
    for thing, (service, tables) in THINGS.items():
        connection = await connect(f"{database}_{service}", application="bench")
        try:
            rows = int(await connection.fetchval(f"select count(*) from {tables[0]}"))
            found = [await _bytes(connection, table) for table in tables]
        finally:
            await connection.close()
        figures.append(Figure(thing, [sum(found) / max(rows, 1)], "bytes"))
        figures.append(Figure(f"… rows of {tables[0].partition('.')[2]}", [rows], ""))
    return figures


async def _bytes(connection: asyncpg.Connection, table: str) -> int:
    """The size of a table and its partitions; 0 if there is none of this name."""
    return int(await connection.fetchval(_SIZE, table) or 0)
