"""A cluster whose nodes are separate hosts, so that they can be cut off from each other."""

from chaos.brokers import make_islands
from chaos.network import Network
from chaos.postgres import Postgres
from chaos.run import TAKE_OVER_SECONDS, Run, scenario
from chaos.world import QUEUE, World, eventually


class IslandWorld(World):
    """PostgreSQL, and a cluster whose nodes can be cut off."""

    @classmethod
    def missing(cls, *, needs_hosts: bool) -> str | None:
        """What this machine lacks to run the scenario."""
        return super().missing(needs_hosts=True)

    async def _start_engines(self, address: str | None) -> None:
        assert self.network is not None
        self.others = Network()
        self._stack.callback(self.others.stop)
        self.others.start()
        self.postgres = Postgres(self.folder / "postgres", address=address)
        self.cluster = make_islands(
            self.broker, self.folder / "broker", self.nodes, self.network, self.others
        )
        await self.postgres.start()
        self._stack.push_async_callback(self.stop_postgres)
        self._stack.push_async_callback(self.cluster.stop)
        await self.cluster.start()

    def heal(self) -> None:
        """Plug all cables in."""
        self.others.plug_all()
        super().heal()


async def _cut_off(run: Run, *, from_clients: bool) -> None:
    world = run.world
    assert isinstance(world, IslandWorld)
    await eventually(lambda: world.cluster.in_step(QUEUE), 120, "members in step")
    node = await world.cluster.leader(QUEUE)
    name = f"node{world.cluster.nodes.index(node) + 1}"
    await run.written_more(50)
    world.others.unplug(name)
    if from_clients:
        assert world.network is not None
        world.network.unplug(name)
    await run.progress("went on without the node", 2 * TAKE_OVER_SECONDS)
    await run.written_more(100)
    world.heal()
    await eventually(lambda: world.cluster.in_step(QUEUE), 120, "members in step")


@scenario("the queue's leader cut off from the other nodes", world=IslandWorld)
async def cut_from_nodes(run: Run) -> None:
    """A network partition: the queue's leader cannot reach the other nodes, but its clients can
    reach it. The majority continues, the minority pauses, the clients reconnect.
    """
    run.faults["node cut off from the others"] += 1
    await _cut_off(run, from_clients=False)


@scenario("the queue's leader cut off from everything", world=IslandWorld)
async def cut_from_all(run: Run) -> None:
    """The host of the queue's leader vanishes, and returns with its old state."""
    run.faults["node cut off from everything"] += 1
    await _cut_off(run, from_clients=True)
