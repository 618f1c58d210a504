"""Power loss of the engines' machine: unflushed data is lost."""

import asyncio
from pathlib import Path

from chaos import volume
from chaos.brokers import make_cluster
from chaos.postgres import Postgres
from chaos.run import Run, scenario
from chaos.volume import Volume
from chaos.world import REPLICAS, World


class PowerWorld(World):
    """PostgreSQL and a node, with their data on a disk that loses what is not flushed."""

    SIZE = 1

    @classmethod
    def missing(cls, *, needs_hosts: bool) -> str | None:
        """What this machine lacks to run the scenario."""
        return volume.missing()

    async def _start_engines(self, address: str | None) -> None:
        self.volume = Volume(self.folder / "machine")
        self._stack.callback(self.volume.stop)
        self.volume.start()
        place: Path = self.volume.place
        self.postgres = Postgres(place / "postgres", address=address)
        self.cluster = make_cluster(self.broker, place / "broker", 1, address)
        self._stack.push_async_callback(self._let_go)
        await self.postgres.start()
        self._stack.push_async_callback(self.stop_postgres)
        self._stack.push_async_callback(self.cluster.stop)
        await self.cluster.start()
        self.volume.sync()

    async def _let_go(self) -> None:
        for node in self.cluster.nodes:
            node.let_go()

    async def lose_power(self, seed: int) -> int:
        """Kill both engines and discard unflushed data; returns the number of lost blocks.

        The engine that is killed second has not confirmed unflushed data either.
        """
        for node in self.cluster.nodes:
            node.kill()
            node.let_go()
        await self.postgres.kill()
        return self.volume.cut(seed)

    async def restore_power(self) -> None:
        """Mount the disk and start the engines."""
        self.volume.mount()
        await self.postgres.start()
        for node in self.cluster.nodes:
            await node.start()


@scenario("power loss", world=PowerWorld)
async def power_loss(run: Run) -> None:
    """PostgreSQL and the broker are killed with -9 while they write, and all unflushed data is
    lost; sometimes the services are killed as well.
    """
    world = run.world
    assert isinstance(world, PowerWorld)
    blocks = 0
    for _ in range(run.times(5)):
        await run.write(300, places=300)
        await run.written_more(100)
        blocks += await world.lose_power(run.rng.randrange(1 << 30))
        run.faults["power loss"] += 1
        if run.rng.random() < 0.5:
            for name in REPLICAS:
                world.kill_replica(name)
        await asyncio.sleep(0.2)
        await world.restore_power()
        await world.everything_up()
        await run.progress("after the power came back", 90)
        world.volume.sync()
    run.notes.append(f"{blocks} blocks in the disk's cache lost")
