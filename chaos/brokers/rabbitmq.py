"""Our own RabbitMQ nodes as a cluster on this machine."""

import asyncio
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from chaos.brokers import Cluster, Steered
from hirewire.launcher.process import free_port, open_private, write_private
from hirewire.launcher.rabbitmq import NodeSettings, PrivateRabbitMQ, find_server

JOIN_SECONDS = 60.0
MOST_BYTES = 134_217_728
TICK_SECONDS = 8
"""A node that gives no sign of life for so long is considered down."""


class RabbitNode(Steered, PrivateRabbitMQ):
    """One node; values that it shares with the others are passed in."""

    def __init__(
        self, data_dir: Path, shared: dict[str, Any], nth: int, address: str | None = None
    ) -> None:
        super().__init__(data_dir)
        self._shared = shared
        self._address = address
        """This machine's address on which it listens in addition to 127.0.0.1."""
        self.name = f"{shared['prefix']}{nth}@localhost"

    def _load_settings(self, *, keep_ports: bool) -> NodeSettings:
        settings = replace(
            super()._load_settings(keep_ports=keep_ports),
            node=self.name,
            password=self._shared["password"],
            epmd=self._shared["epmd"],
        )
        cookie = self.data_dir / ".erlang.cookie"
        write_private(cookie, str(self._shared["cookie"]))
        cookie.chmod(0o400)
        if user := self._user():
            shutil.chown(cookie, user)
        return settings

    def _write_configuration(self) -> None:
        super()._write_configuration()
        path = self.data_dir / "rabbitmq.conf"
        lines: list[str] = []
        if self._address is not None:
            lines.append(f"listeners.tcp.other = {self._address}:{self.port}")
        if len(self._shared["names"]) > 1:
            lines += self._cluster_lines()
        write_private(path, path.read_text() + "\n".join(lines) + "\n")
        if user := self._user():
            shutil.chown(path, user)

    def _cluster_lines(self) -> list[str]:
        return [
            "cluster_formation.peer_discovery_backend = classic_config",
            "cluster_formation.randomized_startup_delay_range.min = 0",
            "cluster_formation.randomized_startup_delay_range.max = 1",
            "cluster_partition_handling = pause_minority",
            *(
                f"cluster_formation.classic_config.nodes.{nth} = {name}"
                for nth, name in enumerate(self._shared["names"], 1)
            ),
        ]

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel net_ticktime {TICK_SECONDS}"
        }

    async def _start_epmd(self) -> None:
        """Start the epmd that the whole cluster shares."""

    @property
    def host(self) -> str:
        """The host under which it can be reached."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """The AMQP port, for all clients."""
        return self._settings.amqp

    proxied_port = hosts_port = port
    proxy_port = 0

    async def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` on this node. Raises `RuntimeError` with its output."""
        server = find_server()
        assert server is not None
        program = shutil.which("rabbitmqctl", path=str(server.parent)) or "rabbitmqctl"
        log = self.data_dir / "control.log"
        with open_private(log) as output:
            process = self._spawn([program, "-n", self.name, *arguments], output)
        while process.poll() is None:
            await asyncio.sleep(0.02)
        if process.returncode:
            raise RuntimeError(f"rabbitmqctl {arguments[0]}: {log.read_text()[-500:]}")

    async def evaluate(self, expression: str) -> None:
        """Evaluate Erlang in it, for settings that cannot be changed otherwise."""
        await self.control("eval", expression)


class RabbitCluster(Cluster):
    """Several nodes as a cluster; `address`: where they listen in addition to 127.0.0.1."""

    def __init__(self, folder: Path, size: int, address: str | None = None) -> None:
        shared: dict[str, Any] = {
            "prefix": f"chaos{secrets.token_hex(3)}n",
            "password": secrets.token_hex(12),
            "cookie": secrets.token_hex(16),
            "epmd": free_port(),
        }
        shared["names"] = [f"{shared['prefix']}{nth}@localhost" for nth in range(1, size + 1)]
        self.nodes: Sequence[RabbitNode] = [
            RabbitNode(folder / f"node{n}", shared, n, address) for n in range(1, size + 1)
        ]
        self._folder = folder
        self._epmd: subprocess.Popen[bytes] | None = None
        self._shared = shared

    async def start(self) -> None:
        """Start all nodes and wait until the cluster is complete."""
        self._start_epmd()
        first, *others = self.nodes
        await first.start()
        await asyncio.gather(*(node.start() for node in others))
        until = asyncio.get_running_loop().time() + JOIN_SECONDS
        while len(await self.running()) < len(self.nodes):
            if asyncio.get_running_loop().time() > until:
                raise RuntimeError("the nodes have not found each other")
            await asyncio.sleep(0.2)

    def _start_epmd(self) -> None:
        program = shutil.which("epmd")
        assert program is not None
        self._epmd = subprocess.Popen(
            [program, "-port", str(self._shared["epmd"]), "-address", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def stop(self) -> None:
        """Stop all nodes."""
        await asyncio.gather(*(node.stop() for node in self.nodes))
        if self._epmd is not None:
            self._epmd.terminate()
            self._epmd.wait()

    async def ask(self, path: str, method: str = "GET") -> Any:
        """Call the management API of the first node that responds."""
        problem: Exception | None = None
        for node in self.nodes:
            try:
                async with httpx.AsyncClient(timeout=5) as client:
                    url = f"{node.management_url}/api/{path}"
                    answer = await client.request(method, url)
                    answer.raise_for_status()
                    return answer.json() if answer.content else None
            except (httpx.HTTPError, KeyError) as error:
                problem = error
        raise RuntimeError(f"no node responds: {problem}")

    async def running(self) -> list[str]:
        """The names of the running nodes in the cluster."""
        found = await self.ask("nodes")
        return [node["name"] for node in found if node.get("running")]

    async def leader(self, queue: str) -> RabbitNode:
        """The node that leads a quorum queue."""
        found = await self.ask(f"queues/%2F/{queue}")
        return next(node for node in self.nodes if node.name == found["leader"])

    async def in_step(self, queue: str) -> bool:
        """Whether all members of a quorum queue are online, so that losing one loses nothing."""
        try:
            found = await self.ask(f"queues/%2F/{queue}")
        except RuntimeError:
            return False
        return len(found.get("online", ())) == len(self.nodes)

    def url(self, places: Sequence[str]) -> str:
        """See `Cluster.url`."""
        login = urlsplit(self.nodes[0].url).netloc.rpartition("@")[0]
        return f"amqp://{login}@{','.join(places)}/%2F?heartbeat=4"

    async def waiting(self, queue: str) -> int:
        """See `Cluster.waiting`."""
        return int((await self.ask(f"queues/%2F/{queue}")).get("messages", 0))

    async def is_empty(self, queue: str) -> bool:
        """See `Cluster.is_empty`."""
        try:
            found = await self.ask("queues/%2F")
        except RuntimeError:
            return False
        own = [q for q in found if q["name"] == queue or q["name"].startswith(f"{queue}.p")]
        return not any(one.get("messages", 1) for one in own)

    async def is_consumed(self, queue: str) -> bool:
        """See `Cluster.is_consumed`."""
        try:
            return bool((await self.ask(f"queues/%2F/{queue}")).get("consumers"))
        except RuntimeError:
            return False

    async def delete(self, queue: str) -> None:
        """See `Cluster.delete`."""
        await self.ask(f"queues/%2F/{queue}", "DELETE")

    async def empty(self, queue: str) -> None:
        """See `Cluster.empty`."""
        await self.ask(f"queues/%2F/{queue}/contents", "DELETE")

    async def set_most_bytes(self, most: int | None) -> None:
        """See `Cluster.set_most_bytes`. A channel uses the value from when it opened."""
        for node in self.nodes:
            await node.evaluate(
                f"application:set_env(rabbit, max_message_size, {most or MOST_BYTES})."
            )
