"""Where the faults happen: a cluster, PostgreSQL, proxies in between, replicas of two services."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from chaos.nodes import Cluster
from chaos.proxy import Proxy
from chaos.service import READER, READER_TABLES, WRITER_TABLES, Happened
from hirewire.kit.db import ensure_database, migrate
from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.launcher.process import free_port, spawn, stop
from hirewire.messaging.broker import QueueTopology, open_broker, queue_of
from hirewire.messaging.database import connect
from hirewire.messaging.listeners import write_listeners
from hirewire.operators.client import Operators

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "operators-of-the-chaos-suite"
QUEUE = queue_of("reader")
TOPOLOGY = QueueTopology(QUEUE, READER.hears)
REPLICAS = ("writer-1", "writer-2", "reader-1", "reader-2")
CLOCKS = ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",)


@dataclass
class Replica:
    """A process of a service."""

    name: str
    port: int
    process: subprocess.Popen[bytes] | None = None
    clock: str = ""
    """By how much its clock is wrong, as libfaketime has it: ``+2d``."""

    @property
    def service(self) -> str:
        """The service it belongs to."""
        return self.name.partition("-")[0]


@dataclass
class World:
    """Everything, under one folder. ``async with World(folder, nodes=3) as world``."""

    folder: Path
    nodes: int
    replicas: dict[str, Replica] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        self.cluster = Cluster(self.folder / "rabbitmq", self.nodes)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.postgres.start()
        self._stack.push_async_callback(self._stop_postgres)
        await self.cluster.start()
        self._stack.push_async_callback(self.cluster.stop)
        self.to_broker = [Proxy(node.amqp_port) for node in self.cluster.nodes]
        self.to_database = Proxy(self.postgres.port)
        for proxy in (*self.to_broker, self.to_database):
            await proxy.start()
            self._stack.push_async_callback(proxy.stop)
        await self._make_databases()
        self.replicas = {name: Replica(name, free_port()) for name in REPLICAS}
        self._stack.push_async_callback(self.stop_all)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def _stop_postgres(self) -> None:
        await self.postgres.stop()

    def database(self, service: str, *, direct: bool = True) -> str:
        """A service's database, past the proxy or through it."""
        url = make_url(self.postgres.url(f"chaos_{service}"))
        if not direct:
            url = url.set(port=self.to_database.port)
        return url.render_as_string(hide_password=False)

    def broker_url(self, *, direct: bool = True) -> str:
        """The cluster, past the proxies or through them."""
        parts = urlsplit(self.cluster.nodes[0].url)
        login = parts.netloc.rpartition("@")[0]
        ports = (
            [node.amqp_port for node in self.cluster.nodes]
            if direct
            else [proxy.port for proxy in self.to_broker]
        )
        return f"amqp://{login}@{','.join(f'127.0.0.1:{port}' for port in ports)}/%2F"

    async def _make_databases(self) -> None:
        for service, tables in (("writer", WRITER_TABLES), ("reader", READER_TABLES)):
            await ensure_database(self.database(service))
            await migrate(self.database(service), None)
            await self.sql(service, tables)

    async def declare(self) -> None:
        """What `hirewire migrate` does: queue and binding, then who hears."""
        broker = open_broker(self.broker_url(), client="chaos")
        try:
            await broker.declare([TOPOLOGY])
        finally:
            await broker.close()
        await self.write_listeners()
        await eventually(lambda: self.cluster.in_step(QUEUE), 60, "the queue's members in step")

    async def write_listeners(self) -> None:
        """The list of listeners alone."""
        connection = await connect(self.database("writer"), application="chaos")
        async with connection.transaction():
            await write_listeners(connection, {Happened.name: ["reader"]})
        await connection.close()

    async def sql(self, service: str, statement: str, *values: object) -> object:
        """Run SQL past all proxies; the first value of a query."""
        connection = await connect(self.database(service), application="chaos")
        try:
            if not values and ";" in statement:
                return await connection.execute(statement)
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    async def rows(self, service: str, query: str, *values: object) -> Sequence[asyncpg.Record]:
        """Rows of a query, past all proxies."""
        connection = await connect(self.database(service), application="chaos")
        try:
            found: Sequence[asyncpg.Record] = await connection.fetch(query, *values)
            return found
        finally:
            await connection.close()

    def start_replica(self, name: str, *, clock: str = "") -> None:
        """Start a replica, with its clock wrong by `clock`."""
        replica = self.replicas[name]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")} | {
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "HIREWIRE_DATABASE_URL": self.database("x", direct=False).removesuffix("_x"),
            "HIREWIRE_BROKER_URL": self.broker_url(direct=False) + "?heartbeat=4",
            "HIREWIRE_OPERATOR_TOKEN": TOKEN,
            "HIREWIRE_LOG_FORMAT": "json",
        }
        if clock:
            environment |= {
                "LD_PRELOAD": next(path for path in CLOCKS if Path(path).exists()),
                "FAKETIME": clock,
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        with open(self.folder / f"{name}.log", "ab") as log:
            replica.process = spawn(
                [sys.executable, "-m", "chaos.service", replica.service, str(replica.port)],
                env=environment,
                output=log,
            )
        replica.clock = clock

    def kill_replica(self, name: str) -> None:
        """End it as a power cut would."""
        process = self.replicas[name].process
        if process is not None:
            process.kill()
            process.wait()
        self.replicas[name].process = None

    async def stop_replica(self, name: str) -> None:
        """SIGTERM, and wait."""
        replica = self.replicas[name]
        if replica.process is not None:
            await stop(replica.process, (signal.SIGTERM, 20))
            replica.process = None

    async def stop_all(self) -> None:
        """Stop all replicas."""
        await asyncio.gather(*(self.stop_replica(name) for name in self.replicas))

    async def everything_up(self) -> None:
        """Start the replicas that are not running (also such that died), heal, and wait."""
        for proxy in (*self.to_broker, self.to_database):
            proxy.heal()
        for name, replica in self.replicas.items():
            if replica.process is None or replica.process.poll() is not None or replica.clock:
                self.kill_replica(name)
                self.start_replica(name)
        await asyncio.gather(*(self._answers(name) for name in self.replicas))

    async def _answers(self, name: str) -> None:
        url = f"http://127.0.0.1:{self.replicas[name].port}/health/live"

        async def live() -> bool:
            replica = self.replicas[name]
            if replica.process is None or replica.process.poll() is not None:
                self.start_replica(name)
            try:
                async with httpx.AsyncClient(timeout=2) as client:
                    return (await client.get(url)).status_code == 200
            except httpx.HTTPError:
                return False

        await eventually(live, 60, f"{name} answers")

    async def metrics(self, name: str) -> str:
        """A replica's metrics."""
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"http://127.0.0.1:{self.replicas[name].port}/metrics")).text

    def operators(self) -> Operators:
        """The internal API of one replica a service."""
        urls = {
            service: f"http://127.0.0.1:{self.replicas[f'{service}-1'].port}"
            for service in ("writer", "reader")
        }
        return Operators(urls, TOKEN)

    async def load(self, running: bool, pause: float = 0.02) -> None:
        """Let the writers write, or not."""
        await self.sql("writer", "update control set running = $1, pause = $2", running, pause)

    async def written(self) -> int:
        """Events committed so far."""
        return int(str(await self.sql("writer", "select count(*) from written")))


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Wait for a condition. Raises `TimeoutError` that says which."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            if await condition():
                return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # an engine that is being restarted
        if asyncio.get_running_loop().time() > until:
            raise TimeoutError(f"not in {seconds:g} s: {what}")
        await asyncio.sleep(0.1)
