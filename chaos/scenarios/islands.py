"""A cluster whose nodes are separate hosts, so that they can be cut off from each other."""

import shutil
import socket
import subprocess
from pathlib import Path
from typing import IO, Any

import httpx

from chaos.network import Host, Network, inside
from chaos.nodes import Cluster, Node
from chaos.postgres import Postgres
from chaos.run import TAKE_OVER_SECONDS, Run, scenario
from chaos.world import QUEUE, World, eventually
from hirewire.launcher.process import open_private, write_private


class IslandNode(Node):
    """A node on a host with two cables: one for its clients, one for the other nodes."""

    def __init__(
        self, data_dir: Path, shared: dict[str, Any], nth: int, at: Host, to: Host
    ) -> None:
        super().__init__(data_dir, shared, nth)
        self._at = at
        self._to = to
        self.name = shared["names"][nth - 1]

    @property
    def host(self) -> str:
        """The address where its clients find it."""
        return self._at.address

    @property
    def management_url(self) -> str:
        """The management page's address."""
        return super().management_url.replace("@127.0.0.1:", f"@{self.host}:")

    @property
    def url(self) -> str:
        """The AMQP address."""
        return super().url.replace("@127.0.0.1:", f"@{self.host}:")

    def _spawn(self, argv: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        with inside(self._at):
            return super()._spawn(argv, output)

    def _write_configuration(self) -> None:
        super()._write_configuration()
        path = self.data_dir / "rabbitmq.conf"
        write_private(path, path.read_text().replace("127.0.0.1", self.host))
        if user := self._user():
            shutil.chown(path, user)

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {
            "RABBITMQ_USE_LONGNAME": "true",
            "ERL_EPMD_ADDRESS": self._to.address,
        }

    async def _start_epmd(self) -> None:
        """Start the node's own epmd."""
        program = shutil.which("epmd")
        assert program is not None
        with open_private(self.data_dir / "epmd.log", "a") as output:
            self._epmd = self._spawn([program], output)
        await eventually(self._maps, 20, "the port mapper answers")

    async def _maps(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self._to.address, self._settings.epmd)) == 0

    def _is_up(self) -> bool:
        try:
            path = f"health/checks/port-listener/{self.amqp_port}"
            with httpx.Client(timeout=3) as client:
                return client.get(f"{self.management_url}/api/{path}").status_code == 200
        except httpx.HTTPError:
            return False


class Islands(Cluster):
    """Nodes on separate hosts, plugged into `clients` and into `others`."""

    def __init__(self, folder: Path, size: int, clients: Network, others: Network) -> None:
        super().__init__(folder, size)
        at = [clients.host(f"node{n}") for n in range(1, size + 1)]
        to = [others.host(f"node{n}", namespace=host.name) for n, host in enumerate(at, 1)]
        shared = self._shared
        shared["names"] = [f"{shared['prefix']}{n}@{host.address}" for n, host in enumerate(to, 1)]
        self.nodes = [
            IslandNode(folder / f"node{n}", shared, n, at[n - 1], to[n - 1])
            for n in range(1, size + 1)
        ]

    def _start_epmd(self) -> None:
        """Do nothing: every node has its own."""


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
        self.cluster = Islands(self.folder / "rabbitmq", self.nodes, self.network, self.others)
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
