"""RabbitMQ nodes on separate hosts, so that they can be cut off from each other."""

import shutil
import socket
import subprocess
from pathlib import Path
from typing import IO, Any

import httpx

from chaos.brokers.rabbitmq import RabbitCluster, RabbitNode
from chaos.network import Host, Network, inside
from chaos.world import eventually
from hirewire.launcher.process import open_private, write_private


class RabbitIsland(RabbitNode):
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
            path = f"health/checks/port-listener/{self.port}"
            with httpx.Client(timeout=3) as client:
                return client.get(f"{self.management_url}/api/{path}").status_code == 200
        except httpx.HTTPError:
            return False


class RabbitIslands(RabbitCluster):
    """Nodes on separate hosts, plugged into `clients` and into `others`."""

    def __init__(self, folder: Path, size: int, clients: Network, others: Network) -> None:
        super().__init__(folder, size)
        at = [clients.host(f"node{n}") for n in range(1, size + 1)]
        to = [others.host(f"node{n}", namespace=host.name) for n, host in enumerate(at, 1)]
        shared = self._shared
        shared["names"] = [f"{shared['prefix']}{n}@{host.address}" for n, host in enumerate(to, 1)]
        self.nodes = [
            RabbitIsland(folder / f"node{n}", shared, n, at[n - 1], to[n - 1])
            for n in range(1, size + 1)
        ]

    def _start_epmd(self) -> None:
        """Do nothing: every node has its own."""
