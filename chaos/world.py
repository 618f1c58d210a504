"""The world of a scenario: a cluster, PostgreSQL, proxies in between, replicas of two services."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from uuid import UUID

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from chaos import network
from chaos.brokers import Kind, make_cluster
from chaos.network import Network
from chaos.postgres import Postgres
from chaos.proxy import Proxy
from chaos.replica import Replica
from chaos.service import NEWCOMER, READER, READER_TABLES, WRITER_TABLES, Happened
from hirewire.kit.db import ensure_database, migrate
from hirewire.launcher.process import free_port
from hirewire.messaging.broker import QueueTopology, open_broker, queue_of
from hirewire.messaging.database import connect
from hirewire.messaging.publishing.subscribers import write_subscribers
from hirewire.operators.client import Operators

TOKEN = "operators-of-the-chaos-suite"
QUEUE = queue_of("reader")
TOPOLOGIES = {
    "reader": QueueTopology(QUEUE, READER.consumes),
    "newcomer": QueueTopology(queue_of("newcomer"), NEWCOMER.consumes),
}
TABLES = {"writer": WRITER_TABLES, "reader": READER_TABLES, "newcomer": READER_TABLES}
WRITERS = ("writer-1", "writer-2")
READERS = ("reader-1", "reader-2")
REPLICAS = (*WRITERS, *READERS)
_LATEST = "select process from effect where n > $1 order by n desc limit 1"
LEADS = """
select a.client_addr::text, a.client_port from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and a.application_name = 'writer relay'
"""


@dataclass
class World:
    """Everything, in one folder. ``async with World(folder, nodes=3) as world``."""

    SIZE: ClassVar[int] = 3
    """The number of nodes in the long form."""
    folder: Path
    nodes: int
    broker: Kind = "rabbitmq"
    replicas: dict[str, Replica] = field(default_factory=dict)
    readers: list[str] = field(default_factory=lambda: ["reader"])
    """The services that must consume everything."""
    late: set[UUID] = field(default_factory=set)
    """Events that were reordered on purpose, or repaired."""
    repeats: list[tuple[str, int]] = field(default_factory=list)
    """Place and number of events that were replayed to take effect again."""
    repaired: set[UUID] = field(default_factory=set)
    """Lost events that were sent again: an audit may have reported them as missing."""
    forgotten: set[UUID] = field(default_factory=set)
    """Events that the writer's database had once and lost."""
    accepted: set[UUID] = field(default_factory=set)
    """Those of them that were named by an audit, and accepted: no other audit names them."""

    def __post_init__(self) -> None:
        self.network = Network() if network.missing() is None else None
        self._stack = AsyncExitStack()

    @classmethod
    def missing(cls, *, needs_hosts: bool) -> str | None:
        """What this machine lacks for this world."""
        return network.missing() if needs_hosts else None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        address = None
        if self.network is not None:
            self._stack.callback(self.network.stop)
            self.network.start()
            address = self.network.address
        await self._start_engines(address)
        self.to_broker = [
            Proxy(node.proxied_port, node.host, port=node.proxy_port) for node in self.cluster.nodes
        ]
        self.to_database = Proxy(self.postgres.port)
        for proxy in (*self.to_broker, self.to_database):
            await proxy.start()
            self._stack.push_async_callback(proxy.stop)
        for service in ("writer", "reader"):
            await self.make_database(service)
        self.replicas = {name: Replica(name, free_port(), self.folder) for name in REPLICAS}
        self._stack.push_async_callback(self.stop_all)

    async def _start_engines(self, address: str | None) -> None:
        self.postgres = Postgres(self.folder / "postgres", address=address)
        self.cluster = make_cluster(self.broker, self.folder / "broker", self.nodes, address)
        await self.postgres.start()
        self._stack.push_async_callback(self.stop_postgres)
        self._stack.push_async_callback(self.cluster.stop)
        await self.cluster.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def stop_postgres(self) -> None:
        """Stop the current server."""
        await self.postgres.stop()

    def database(self, service: str, *, replica: Replica | None = None) -> str:
        """The address of a service's database, for the suite itself or for this replica."""
        url = make_url(self.postgres.url(f"chaos_{service}"))
        if replica is not None:
            url = url.set(port=self.to_database.port)
            if replica.host is not None and self.network is not None:
                url = url.set(host=self.network.address, port=self.postgres.port)
        return url.render_as_string(hide_password=False)

    def broker_url(self, *, replica: Replica | None = None) -> str:
        """The address of the cluster, for the suite itself or for this replica."""
        places = [f"{node.host}:{node.port}" for node in self.cluster.nodes]
        if replica is not None:
            places = [f"127.0.0.1:{proxy.port}" for proxy in self.to_broker]
            if replica.host is not None and self.network is not None:
                there = self.network.address
                places = [f"{there}:{node.hosts_port}" for node in self.cluster.nodes]
        return self.cluster.url(places)

    async def make_database(self, service: str) -> None:
        """Create a service's database with its tables."""
        await ensure_database(self.database(service))
        await migrate(self.database(service), None)
        await self.sql(service, TABLES[service])

    async def declare(self) -> None:
        """What `hirewire migrate` does: queue and binding, then who consumes."""
        broker = open_broker(self.broker_url(), client="chaos")
        try:
            await broker.declare([TOPOLOGIES[reader] for reader in self.readers])
        finally:
            await broker.close()
        await self.write_subscribers()
        await eventually(lambda: self.cluster.in_step(QUEUE), 60, "the queue's members in step")

    async def dismiss(self, reader: str) -> None:
        """Remove a reader together with its queue."""
        for name in [n for n, one in self.replicas.items() if one.service == reader]:
            await self.stop_replica(name)
            del self.replicas[name]
        self.readers.remove(reader)
        await self.declare()
        await self.cluster.delete(queue_of(reader))

    async def write_subscribers(self) -> None:
        """Write the list of subscribers only."""
        connection = await connect(self.database("writer"), application="chaos")
        async with connection.transaction():
            await write_subscribers(connection, {Happened.name: self.readers})
        await connection.close()

    async def sql(self, service: str, statement: str, *values: object) -> object:
        """Run SQL, bypassing all proxies; returns the first value of a query."""
        connection = await connect(self.database(service), application="chaos")
        try:
            if not values and ";" in statement:
                return await connection.execute(statement)
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    async def rows(self, service: str, query: str, *values: object) -> Sequence[asyncpg.Record]:
        """The rows of a query, bypassing all proxies."""
        connection = await connect(self.database(service), application="chaos")
        try:
            found: Sequence[asyncpg.Record] = await connection.fetch(query, *values)
            return found
        finally:
            await connection.close()

    def settings_of(self, replica: Replica | None = None) -> Mapping[str, str]:
        """The platform's settings for a process."""
        address = make_url(self.database("", replica=replica)).set(database="chaos")
        return {
            "HIREWIRE_DATABASE_URL": address.render_as_string(hide_password=False),
            "HIREWIRE_BROKER_URL": self.broker_url(replica=replica),
            "HIREWIRE_OPERATOR_TOKEN": TOKEN,
            "HIREWIRE_LOG_FORMAT": "json",
        }

    def start_replica(
        self, name: str, *, clock: timedelta = timedelta(), host: bool = False
    ) -> None:
        """Start a replica, with its clock ahead by so much, or on a separate host."""
        replica = self.replicas[name]
        replica.clock = clock
        replica.host = None
        if host:
            assert self.network is not None
            replica.host = self.network.host(name)
        replica.start(self.settings_of(replica))

    def kill_replica(self, name: str) -> None:
        """Kill it, as a power cut would."""
        self.replicas[name].kill()

    async def stop_replica(self, name: str) -> None:
        """SIGTERM, and wait."""
        await self.replicas[name].stop()

    async def stop_all(self) -> None:
        """Stop all replicas."""
        await asyncio.gather(*(self.stop_replica(name) for name in self.replicas))

    async def everything_up(self) -> None:
        """Start the replicas that are not running (including dead ones), heal, and wait."""
        self.heal()
        for name, replica in self.replicas.items():
            replica.thaw()
            if not replica.runs or replica.clock or replica.host is not None:
                self.kill_replica(name)
                self.start_replica(name)
        await asyncio.gather(*(self._answers(name) for name in self.replicas))

    def heal(self) -> None:
        """Restore the network, and resume frozen nodes."""
        for proxy in (*self.to_broker, self.to_database):
            proxy.heal()
        if self.network is not None:
            self.network.plug_all()
        for node in self.cluster.nodes:
            node.thaw()

    async def _answers(self, name: str) -> None:
        async def live() -> bool:
            if not self.replicas[name].runs:
                self.start_replica(name)
            return await self.is_live(name)

        await eventually(live, 60, f"{name} answers")

    async def is_live(self, name: str, seconds: float = 2) -> bool:
        """Whether a replica responds and all its background tasks are running."""
        try:
            async with httpx.AsyncClient(timeout=seconds) as client:
                answer = await client.get(f"{self.replicas[name].address}/health/live")
                return answer.status_code == 200
        except httpx.HTTPError:
            return False

    async def leading_writer(self) -> str:
        """The replica whose relay leads; waits until there is one."""
        found: list[str] = []

        async def leads() -> bool:
            for row in await self.rows("writer", LEADS):
                found[:] = self._clients(row["client_addr"], row["client_port"], self.to_database)
            return bool(found)

        await eventually(leads, 30, "a relay leads")
        return found[0]

    async def active_reader(self) -> str:
        """The replica that consumes: the one that has written the next effect, under load."""
        before = await self.sql("reader", "select coalesce(max(n), 0) from effect")
        found: list[str] = []

        async def consumes() -> bool:
            process = await self.sql("reader", _LATEST, before)
            found[:] = [
                name
                for name, replica in self.replicas.items()
                if replica.process is not None and replica.process.pid == process
            ]
            return bool(found)

        await eventually(consumes, 40, "a reader consumes")
        return found[0]

    def _clients(self, address: str, port: int, proxy: Proxy) -> list[str]:
        """The replica behind a connection of an engine."""
        source = proxy.sources.get(port)
        return [
            name
            for name, replica in self.replicas.items()
            if (replica.host is not None and address.split("/")[0] == replica.host.address)
            or (source is not None and replica.host is None and replica.has_port(source))
        ]

    async def metrics(self, name: str) -> str:
        """A replica's metrics."""
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"{self.replicas[name].address}/metrics")).text

    def operators(self, chosen: Sequence[str] | None = None) -> Operators:
        """The internal API of one replica of each service: of these, or of the first ones."""
        names = chosen or [f"{service}-1" for service in ("writer", *self.readers)]
        urls = {self.replicas[name].service: self.replicas[name].address for name in names}
        return Operators(urls, TOKEN)

    async def load(
        self, running: bool, pause: float = 0.02, *, hot: float = 0, big: float = 0
    ) -> None:
        """Start or stop the writers; a share `hot` goes to one place, a share `big` has megabytes.

        Returns once the transactions that they had begun are committed: they hold a lock on
        `control`.
        """
        await self.sql(
            "writer",
            "update control set running = $1, pause = $2, hot = $3, big = $4",
            running,
            pause,
            float(hot),
            float(big),
        )

    async def fix(self, fixed: bool) -> None:
        """Let the reader's handlers succeed with events that they are to fail with, or not."""
        await self.sql("reader", "update control set fixed = $1", fixed)

    async def written(self) -> int:
        """The number of events committed so far."""
        return int(str(await self.sql("writer", "select count(*) from written")))


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Wait for a condition. Raises `TimeoutError` that names it."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            if await condition():
                return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # an engine is restarting
        if asyncio.get_running_loop().time() > until:
            raise TimeoutError(f"not in {seconds:g} s: {what}")
        await asyncio.sleep(0.1)
