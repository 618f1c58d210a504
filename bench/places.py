"""Real engines for benchmarks: PostgreSQL with fsync on, and a RabbitMQ node.

PostgreSQL stores the time of each commit (`track_commit_timestamp`). Rates and delays therefore
refer to committed transactions by one clock, and measuring them costs the contestants nothing.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import asyncpg

from bench import ledger, process
from bench.events import KEYS, TOPOLOGY
from hirewire.kit.db import ensure_database, migrate
from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.launcher.rabbitmq import PrivateRabbitMQ
from hirewire.messaging.broker import Message
from hirewire.messaging.brokers.rabbitmq import RabbitMQ
from hirewire.messaging.database import connect

PATIENCE = 300.0
"""Seconds after which a contestant that has not ended is an error."""
_TABLES = """
create table page (id uuid primary key, changed bigint not null default 0) with (fillfactor = 80);
create table deed (number bigint primary key, page uuid not null);
create table note (id uuid primary key, number bigint not null);
create table paced_note (
    id uuid primary key, number bigint not null, nth bigint generated always as identity);
"""
_PAGES = "insert into page (id) select md5(n::text)::uuid from generate_series(0, $1 - 1) n"


@dataclass(frozen=True)
class Pair:
    """The databases of a writing and of a reading service, each with a connection to inspect it."""

    writer_url: str
    reader_url: str
    writer: asyncpg.Connection
    reader: asyncpg.Connection

    async def empty(self) -> None:
        """Empty all tables, also those of messaging."""
        for connection in (self.writer, self.reader):
            await connection.execute("truncate deed, note, paced_note restart identity")
            await ledger.truncate(connection)
        await self.reader.execute("checkpoint")

    async def effects(self, table: str = "note") -> int:
        """Committed effects, each event counted once; raises if one happened twice."""
        [(all, distinct)] = await self.reader.fetch(
            f"select count(*), count(distinct number) from {table}"
        )
        if all != distinct:
            raise AssertionError(f"{all} effects of {distinct} events")
        return int(all)

    async def rate(self) -> float:
        """Effects per second between the first commit and the last."""
        rows = await self.reader.fetch(
            "select extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as at, count(*) "
            "from note group by xmin order by 1"
        )
        done = sum(row["count"] for row in rows[1:])
        return float(done / (rows[-1]["at"] - rows[0]["at"]))


class Bench:
    """What a benchmark works with."""

    def __init__(
        self, folder: Path, postgres: EmbeddedPostgres, broker_url: str, stack: AsyncExitStack
    ) -> None:
        self.folder = folder
        self.broker_url = broker_url
        self.broker = RabbitMQ(broker_url, client=ledger.OWNER)
        self._postgres = postgres
        self._stack = stack

    async def pair(self, name: str) -> Pair:
        """Two migrated databases with the tables that contestants write."""
        urls = [self._postgres.url(f"{name}_{part}") for part in ("writer", "reader")]
        connections = []
        for url in urls:
            await migrate(url, None)
            connection = await connect(url, application="bench")
            self._stack.push_async_callback(connection.close)
            await connection.execute(_TABLES)
            await connection.execute(_PAGES, KEYS)
            connections.append(connection)
        await ledger.listen(connections[0])
        return Pair(urls[0], urls[1], connections[0], connections[1])

    async def database(self, name: str) -> str:
        """The address of an existing database."""
        url = self._postgres.url(name)
        await ensure_database(url)
        return url

    async def purge(self) -> None:
        """Empty the queue."""
        async with await aio_pika.connect(self.broker_url) as connection:
            channel = await connection.channel()
            await (await channel.get_queue(TOPOLOGY.queue, ensure=False)).purge()

    async def waiting(self) -> int:
        """The number of messages that are ready in the queue."""
        return (await self.broker.stats(TOPOLOGY.queue)).ready

    async def feed(self, messages: Sequence[Message]) -> None:
        """Put these messages into the queue."""
        for start in range(0, len(messages), 2000):
            await self.broker.publish(messages[start : start + 2000])

    @asynccontextmanager
    async def worker(
        self,
        name: str,
        pair: Pair,
        options: Mapping[str, object] | None = None,
        *,
        broker: str | None = None,
    ) -> AsyncIterator[process.Worker]:
        """A contestant that has loaded and waits for its start; `bench.worker` has the names.

        `broker`: the address of another broker.
        """
        if name in process.NODE_SCRIPTS:
            argv, more = process.node(name), process.node_environment(options or {})
        else:
            argv, more = process.python(name, options or {}), {}
        environment = more | {
            "BENCH_WRITER": pair.writer_url,
            "BENCH_READER": pair.reader_url,
            "BENCH_BROKER": broker or self.broker_url,
            "BENCH_QUEUE": TOPOLOGY.queue,
        }
        async with process.worker(name, argv, environment) as started:
            yield started

    async def consumed(
        self, pair: Pair, count: int, running: process.Worker, table: str = "note"
    ) -> None:
        """Wait until this many effects are committed, with few queries until then."""

        async def drained() -> bool:
            return await self.waiting() == 0

        async def committed() -> bool:
            found = await pair.reader.fetchval(f"select count(*) from {table}")
            return bool(found >= count)

        await until(drained, running, every=0.05)
        await until(committed, running, every=0.02)


def has_rows(connection: asyncpg.Connection, table: str) -> Callable[[], Awaitable[bool]]:
    """A condition for `until`: the table has rows."""

    async def found() -> bool:
        return bool(await connection.fetchval(f"select exists (select from {table})"))

    return found


async def until(
    condition: Callable[[], Awaitable[bool]], running: process.Worker, *, every: float
) -> None:
    """Wait for the condition while the worker is alive; `TimeoutError` after five minutes."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        running.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{running.name}: not done in {PATIENCE:g} s")
        await asyncio.sleep(every)


@asynccontextmanager
async def places() -> AsyncIterator[Bench]:
    """Both engines, freshly started, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with (
            EmbeddedPostgres(folder / "postgres") as postgres,
            PrivateRabbitMQ(folder / "rabbitmq") as rabbitmq,
            AsyncExitStack() as stack,
        ):
            await _note_commits(postgres)
            bench = Bench(folder, postgres, rabbitmq.url, stack)
            stack.push_async_callback(bench.broker.close)
            await bench.broker.declare([TOPOLOGY])
            yield bench


async def _note_commits(postgres: EmbeddedPostgres) -> None:
    connection = await connect(postgres.url(), application="bench")
    await connection.execute("alter system set track_commit_timestamp = on")
    await connection.close()
    await postgres.stop()
    await postgres.start()
