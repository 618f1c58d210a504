"""The database is replaced: by a promoted standby, a restore, or a dump in a new server."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg

from chaos.brokers import make_cluster
from chaos.judge import at_rest, written_in
from chaos.postgres import Postgres
from chaos.proxy import Proxy
from chaos.run import Run, scenario
from chaos.scenarios.operations import Migrate
from chaos.service import PLACES
from chaos.world import REPLICAS, WRITERS, World, eventually

# A new server starts with low transaction ids, far from those of the current one.
_AGE = """
do $$
begin
    create temporary table spent (n integer);
    for n in 1..50000 loop
        begin
            insert into spent values (n);
        exception when others then
            raise;
        end;
    end loop;
    drop table spent;
end $$
"""
EVERYWHERE = [f"place {number:03}" for number in range(PLACES)]


class FailoverWorld(World):
    """PostgreSQL with a streaming standby, and one node."""

    SIZE = 1

    async def _start_engines(self, address: str | None) -> None:
        self.postgres = Postgres(self.folder / "postgres", address=address)
        self.cluster = make_cluster(self.broker, self.folder / "broker", 1, address)
        self._servers = 0
        self._others: list[Postgres] = []
        await self.postgres.start()
        self._stack.push_async_callback(self.stop_postgres)
        self._stack.push_async_callback(self.cluster.stop)
        await self.cluster.start()
        connection = await asyncpg.connect(self.postgres.url())
        await connection.execute(_AGE)
        await connection.close()
        self.to_primary = Proxy(self.postgres.port)
        await self.to_primary.start()
        self._stack.push_async_callback(self.to_primary.stop)

    async def stop_postgres(self) -> None:
        """Stop all servers."""
        for server in (*self._others, self.postgres):
            await server.stop()

    def _folder_of_a_server(self) -> Path:
        self._servers += 1
        return self.folder / f"server{self._servers}"

    async def add_standby(self) -> Postgres:
        """Add a streaming standby of the current server."""
        self.to_primary.target = self.postgres.port
        self.to_primary.heal()
        standby = await self.postgres.make_standby(self._folder_of_a_server(), self.to_primary.port)
        self._others.append(standby)
        await standby.start()
        await eventually(self._streams, 60, "the standby streams")
        return standby

    async def _streams(self) -> bool:
        query = "select count(*) from pg_stat_replication where state = 'streaming'"
        return bool(await self.sql("writer", query))

    async def fail_over(self, to: Postgres) -> None:
        """Kill the current server with -9; `to` is the primary from now on."""
        await self.postgres.kill()
        await to.promote()
        await self.go_on_with(to)

    async def go_on_with(self, server: Postgres) -> None:
        """Point the services at this server."""
        if server in self._others:
            self._others.remove(server)
        self._others.append(self.postgres)
        self.postgres = server
        self.to_database.target = server.port
        self.to_database.reset()

    async def new_server(self) -> Postgres:
        """Start a server that is unrelated to the current one."""
        server = Postgres(self._folder_of_a_server())
        self._others.append(server)
        await server.start()
        return server


async def _migrate(world: World) -> None:
    """Run the commands that an operator runs after a restore or a failover."""
    one = Migrate(world, ["reader"])
    one.comes_to("ready")
    await one.ended()


async def _ids(world: World) -> set[UUID]:
    return {event.event_id for event in await written_in(world)}


async def _standby(run: Run) -> tuple[FailoverWorld, Postgres]:
    world = run.world
    assert isinstance(world, FailoverWorld)
    return world, await world.add_standby()


@scenario("a standby promoted with all commits", world=FailoverWorld)
async def promoted(run: Run) -> None:
    """Synchronous replication: the primary is killed under load and the standby promoted."""
    world, standby = await _standby(run)
    await world.sql("writer", "alter system set synchronous_standby_names = '*'")
    await world.sql("writer", "select pg_reload_conf()")
    await run.write(300, places=300)
    await run.written_more(100)
    await world.fail_over(standby)
    run.faults["standby promoted"] += 1
    await _standby_alone(world)
    await _migrate(world)
    await run.written_more(200)
    await run.progress("after the failover", 90)


async def _standby_alone(world: World) -> None:
    """The new primary has no standby of its own to wait for."""
    await world.sql("writer", "alter system reset synchronous_standby_names")
    await world.sql("writer", "select pg_reload_conf()")


@scenario("a standby promoted without the last commits", world=FailoverWorld)
async def promoted_behind(run: Run) -> None:
    """A standby that was cut off for a while under load is promoted: the events that it lacks
    count as never recorded; all events recorded afterwards must take effect.
    """
    world, standby = await _standby(run)
    run.needs_repair = True
    await run.written_more(50)
    world.to_primary.hang()
    await run.written_more(200)
    await world.load(False)
    if run.rng.random() < 0.5:
        await run.progress("before the failover")
    before = await _ids(world)
    world.to_primary.cut()
    await world.fail_over(standby)
    run.faults["standby promoted without the last commits"] += 1
    lost = before - await _ids(world)
    world.forgotten |= lost
    run.notes.append(f"{len(lost)} events went with the primary")
    await _migrate(world)
    await _everywhere(run)


async def _everywhere(run: Run) -> None:
    """Record more events on every database, under load."""
    for _ in range(3):
        await run.write_at(EVERYWHERE)
    await run.world.load(True)
    await run.written_more(200)


@scenario("one service restored to an earlier time", world=FailoverWorld)
async def restored(run: Run) -> None:
    """The writer's database is restored from an older dump (`pg_dump`, `pg_restore`) and the
    reader's is not: the reader has handled events that are no longer in any log.
    """
    world = run.world
    await run.written_more(100)
    file = world.folder / "writer.dump"
    await world.postgres.dump("chaos_writer", file)
    await run.written_more(200)
    await world.load(False)
    await run.progress("before the restore")
    before = await _ids(world)
    await _stop(world, WRITERS)
    await world.postgres.restore("chaos_writer", file)
    run.faults["database restored to an earlier time"] += 1
    lost = before - await _ids(world)
    world.forgotten |= lost
    run.notes.append(f"{len(lost)} events were recorded after the dump")
    run.needs_repair = True
    await _migrate(world)
    await world.everything_up()
    await _everywhere(run)


@scenario("dump and restore into a new server", world=FailoverWorld)
async def moved(run: Run) -> None:
    """Both databases are dumped and restored into an unrelated server; afterwards the audit must
    still know every event and its subscribers.
    """
    world = run.world
    assert isinstance(world, FailoverWorld)
    await world.load(False)
    await at_rest(world, 90, "before the dump")
    await _stop(world, REPLICAS)
    server = await world.new_server()
    for service in ("writer", "reader"):
        file = world.folder / f"{service}.dump"
        await world.postgres.dump(f"chaos_{service}", file)
        await server.restore(f"chaos_{service}", file)
    await world.go_on_with(server)
    run.faults["dump and restore"] += 1
    await _migrate(world)
    await world.everything_up()
    await _everywhere(run)


async def _stop(world: World, names: Sequence[str]) -> None:
    await asyncio.gather(*(world.stop_replica(name) for name in names))
