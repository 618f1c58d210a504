"""A primary and its standby in one address: services find the new primary by themselves."""

import asyncio
import time

from sqlalchemy.engine import make_url

from chaos.judge import written_in
from chaos.postgres import Postgres
from chaos.proxy import Proxy
from chaos.replica import Replica
from chaos.run import Run, scenario
from chaos.scenarios.failover import FailoverWorld
from chaos.world import WRITERS, World, eventually
from hirewire.messaging.database import connect

WITHIN_SECONDS = 20.0
"""The time limit for the first commit and the first effect after the primary was killed."""
_CLIENTS = "select count(*) from pg_stat_activity where application_name ~ '^(writer|reader)'"


class ServersWorld(FailoverWorld):
    """The services' address names two servers, each behind a proxy of its own."""

    async def _start_engines(self, address: str | None) -> None:
        await super()._start_engines(address)
        self.to_standby = Proxy(0)
        await self.to_standby.start()
        self._stack.push_async_callback(self.to_standby.stop)

    def database(self, service: str, *, replica: Replica | None = None) -> str:
        """For a replica, the address of both servers."""
        url = super().database(service, replica=replica)
        if replica is None or replica.host is not None:
            return url
        ports = f"{self.to_database.port},{self.to_standby.port}"
        both = make_url(url).set(host=None, port=None)
        both = both.update_query_dict({"host": "127.0.0.1,127.0.0.1", "port": ports})
        return both.render_as_string(hide_password=False)

    async def add_standby(self) -> Postgres:
        """Add a standby, and lead the second address to it."""
        standby = await super().add_standby()
        self.to_standby.target = standby.port
        return standby

    async def go_on_with(self, server: Postgres) -> None:
        """The suite itself uses this server; nobody says so to the services."""
        self._others.remove(server)
        self._others.append(self.postgres)
        self.postgres = server


async def _seconds_since(started: float, world: World, service: str, table: str) -> float:
    """Seconds until the table has a row more than now; read every 20 ms."""
    connection = await connect(world.database(service), application="chaos")
    try:
        query = f"select count(*) from {table}"
        before = await connection.fetchval(query)
        async with asyncio.timeout(WITHIN_SECONDS):
            while await connection.fetchval(query) == before:
                await asyncio.sleep(0.02)
        return time.monotonic() - started
    finally:
        await connection.close()


async def _clients_of(server: Postgres) -> int:
    connection = await connect(server.url(), application="chaos")
    try:
        return int(await connection.fetchval(_CLIENTS))
    finally:
        await connection.close()


@scenario("a primary found again among several servers", world=ServersWorld)
async def found_again(run: Run) -> None:
    """The address names both servers. The synchronous primary is killed, its standby promoted, and
    the old one comes back, still a primary: services find the new one by themselves, and neither
    they nor a process that starts later use the old one.
    """
    world = run.world
    assert isinstance(world, ServersWorld)
    standby, old = await world.add_standby(), world.postgres
    await world.sql("writer", "alter system set synchronous_standby_names = '*'")
    await world.sql("writer", "select pg_reload_conf()")
    await run.write(300, places=300)
    await run.written_more(100)
    started = time.monotonic()
    await world.fail_over(standby)
    promoted = time.monotonic() - started
    await world.sql("writer", "alter system reset synchronous_standby_names")
    await world.sql("writer", "select pg_reload_conf()")
    run.faults["primary killed"] += 1
    commit, effect = await asyncio.gather(
        _seconds_since(started, world, "writer", "written"),
        _seconds_since(started, world, "reader", "effect"),
    )
    run.notes.append(
        f"after the kill: promoted in {promoted:.1f} s, the first commit after {commit:.1f} s, the "
        f"first effect after {effect:.1f} s"
    )
    await _old_one_back(run, world, old)
    await run.progress("after the failover", 90)


async def _old_one_back(run: Run, world: ServersWorld, old: Postgres) -> None:
    """The old primary is started as it was, and could write: nobody may use it."""
    await old.start()
    world.to_database.target = old.port
    for statement in (
        "alter system reset synchronous_standby_names",
        "select pg_reload_conf()",
    ):
        connection = await connect(old.url(), application="chaos")
        await connection.execute(statement)
        await connection.close()
    run.faults["old primary back"] += 1
    name = run.rng.choice(WRITERS)
    world.kill_replica(name)
    world.start_replica(name)
    before = len(await written_in(world))
    await eventually(lambda: world.is_live(name), 60, f"{name} answers")
    await run.written_more(200)
    if found := await _clients_of(old):
        raise AssertionError(f"{found} connections of services to the old primary")
    if len(await written_in(world)) < before + 200:
        raise AssertionError("not all was written to the new primary")
    await old.stop()
