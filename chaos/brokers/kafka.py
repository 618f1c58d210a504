"""Apache Kafka nodes as a cluster on this machine: each is a broker and a controller (KRaft)."""

import asyncio
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from chaos.brokers import Cluster, Steered
from chaos.brokers.kafka_logs import cut
from chaos.network import Host, Network, inside
from hirewire.launcher.kafka import SERVER, NodeSettings, PrivateKafka, new_cluster
from hirewire.launcher.kafka_jars import KafkaMissing, Program, find_kafka
from hirewire.launcher.process import free_port, write_private
from hirewire.messaging.broker import BrokerUnavailable
from hirewire.messaging.brokers.kafka import Kafka

TOPIC = "hirewire.writer"
ANSWER_SECONDS = 5.0
JOIN_SECONDS = 60.0
CLUSTER = """\
node.id={nth}
controller.quorum.voters={voters}
listeners={sockets}
advertised.listeners={announced}
inter.broker.listener.name={between}
listener.security.protocol.map={kinds}
default.replication.factor={size}
offsets.topic.replication.factor={size}
min.insync.replicas={least}
log.flush.interval.messages={flush}
"""
NEVER = 2**63 - 1
"""Kafka's default: the kernel flushes, and what all nodes have in memory survives one of them."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is found."""

    clients: int
    """The port behind the proxy."""
    proxy: int
    """The proxy's port, which the node announces to its clients."""
    direct: int
    controller: int
    hosts: int
    at: Host | None = None
    """The host on which it runs."""
    peers: Host | None = None
    """That host, as the other nodes know it."""

    @property
    def host(self) -> str:
        """The address for clients."""
        return self.at.address if self.at is not None else "127.0.0.1"

    @property
    def peer_address(self) -> str:
        """The address for the other nodes."""
        return self.peers.address if self.peers is not None else "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Shared:
    """What all nodes of a cluster know."""

    cluster: str
    places: Sequence[Place]
    address: str | None
    """This machine's address on which they listen in addition to 127.0.0.1."""

    def properties(self, nth: int) -> dict[str, str]:
        """The configuration of a node, beside that of a private one; nodes count from 1."""
        mine, size = self.places[nth - 1], len(self.places)
        sockets = {
            "CLIENTS": f"{mine.host}:{mine.clients}",
            "DIRECT": f"{mine.host}:{mine.direct}",
            "CONTROLLER": f"{mine.peer_address}:{mine.controller}",
        }
        if self.address is not None:
            sockets["HOSTS"] = f"{self.address}:{mine.hosts}"
        if mine.peers is not None:
            sockets["PEERS"] = f"{mine.peer_address}:{mine.hosts}"
        announced = sockets | {"CLIENTS": f"127.0.0.1:{mine.proxy}"}
        del announced["CONTROLLER"]
        text = CLUSTER.format(
            nth=nth,
            voters=",".join(
                f"{n}@{one.peer_address}:{one.controller}" for n, one in enumerate(self.places, 1)
            ),
            sockets=_joined(sockets),
            announced=_joined(announced),
            between="PEERS" if mine.peers is not None else "DIRECT",
            kinds=",".join(f"{name}:PLAINTEXT" for name in sockets),
            size=size,
            least=min(size, 2),
            flush=NEVER if size > 1 else 1,
        )
        return _properties(text)


def _joined(sockets: Mapping[str, str]) -> str:
    return ",".join(f"{name}://{place}" for name, place in sockets.items())


def _properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


class KafkaNode(Steered, PrivateKafka):
    """One node; values that it shares with the others are passed in."""

    def __init__(self, data_dir: Path, shared: Shared, nth: int) -> None:
        super().__init__(data_dir)
        self._shared = shared
        self._nth = nth
        self.place = shared.places[nth - 1]
        self.port = self.place.direct
        self.proxied_port = self.place.clients
        self.proxy_port = self.place.proxy
        self.hosts_port = self.place.hosts

    def _load_settings(self, *, keep_ports: bool) -> NodeSettings:
        return NodeSettings(self._shared.cluster, self.place.direct, self.place.controller)

    def _write_configuration(self) -> None:
        private = _properties(SERVER.format(port=0, controller=0))
        properties = private | self._shared.properties(self._nth)
        text = "\n".join(f"{name}={value}" for name, value in properties.items())
        write_private(self._configuration, text + "\n")
        self._give(self._configuration)

    def _spawn(self, program: Program, arguments: list[str]) -> subprocess.Popen[bytes]:
        with inside(self.place.at):
            return super()._spawn(program, arguments)

    @property
    def host(self) -> str:
        """See `Node.host`."""
        return self.place.host

    @property
    def is_dead(self) -> bool:
        """Whether its process has ended, by itself or not."""
        return self._process is None or self.has_ended

    @property
    def logs(self) -> Path:
        """The folder of its partitions."""
        return self._data

    def forget(self, end: int) -> int:
        """Lose the writer's messages behind an offset; returns the one where the log ends now.

        The node must be stopped.
        """
        return cut(self._data / f"{TOPIC}-0", end)


class KafkaCluster(Cluster):
    """Several nodes as a cluster; `address`: where they listen in addition to 127.0.0.1."""

    def __init__(
        self, folder: Path, size: int, address: str | None, places: Sequence[Place] = ()
    ) -> None:
        shared = Shared(new_cluster(), places or [_place() for _ in range(size)], address)
        self.nodes: Sequence[KafkaNode] = [
            KafkaNode(folder / f"node{nth}", shared, nth) for nth in range(1, size + 1)
        ]
        self._servers = ",".join(f"{node.host}:{node.port}" for node in self.nodes)
        self._broker = Kafka(f"kafka://{self._servers}", client="chaos")

    async def start(self) -> None:
        """See `Cluster.start`."""
        await asyncio.gather(*(node.start() for node in self.nodes))
        until = asyncio.get_running_loop().time() + JOIN_SECONDS
        while await self._ask(_alive) < len(self.nodes):
            if asyncio.get_running_loop().time() > until:
                raise RuntimeError("the nodes have not found each other")
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """See `Cluster.stop`."""
        await self._broker.close()
        for node in self.nodes:
            node.kill()
            await node.stop()

    def url(self, places: Sequence[str]) -> str:
        """See `Cluster.url`."""
        return f"kafka://{','.join(places)}"

    async def leader(self, queue: str) -> KafkaNode:
        """See `Cluster.leader`."""
        return self.nodes[await self._ask(_leader) - 1]

    async def controller(self) -> KafkaNode:
        """The node that is the active controller."""
        return self.nodes[await self._ask(_controller) - 1]

    async def end(self) -> int:
        """The offset after the writer's last message."""
        return await self._ask(_end)

    async def in_step(self, queue: str) -> bool:
        """See `Cluster.in_step`."""
        try:
            return await self._ask(lambda admin: _all_in_sync(admin, len(self.nodes)))
        except KafkaException:
            return False

    async def waiting(self, queue: str) -> int:
        """See `Cluster.waiting`."""
        return (await self._broker.stats(queue)).ready

    async def is_empty(self, queue: str) -> bool:
        """See `Cluster.is_empty`."""
        try:
            found = await self._broker.queues()
        except BrokerUnavailable:
            return False
        parts = [name for name in found if name == queue or name.startswith(f"{queue}.p")]
        return not any(found[name].ready for name in parts)

    async def is_consumed(self, queue: str) -> bool:
        """See `Cluster.is_consumed`."""
        try:
            return bool((await self._broker.stats(queue)).consumers)
        except BrokerUnavailable:
            return False

    async def delete(self, queue: str) -> None:
        """See `Cluster.delete`."""
        await self._broker.delete(queue)

    async def empty(self, queue: str) -> None:
        """See `Cluster.empty`: as if the messages had been kept for too short a time."""
        await self._ask(_drop_all)

    async def set_most_bytes(self, most: int | None) -> None:
        """See `Cluster.set_most_bytes`."""
        await self._ask(lambda admin: _set_most_bytes(admin, most))

    async def _ask(self, question: Callable[[AdminClient], T]) -> T:
        """Ask with a new client, which knows nothing from before. Raises `KafkaException`."""
        how: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self._servers,
            "log_level": 0,
        }
        return await asyncio.to_thread(lambda: question(AdminClient(how)))


class KafkaIslands(KafkaCluster):
    """Nodes on separate hosts, plugged into `clients` and into `others`."""

    def __init__(self, folder: Path, size: int, clients: Network, others: Network) -> None:
        places = []
        for nth in range(1, size + 1):
            at = clients.host(f"node{nth}")
            to = others.host(f"node{nth}", namespace=at.name)
            places.append(replace(_place(), at=at, peers=to))
        super().__init__(folder, size, None, places)


def missing() -> str | None:
    """What this machine lacks for Kafka."""
    try:
        find_kafka(None)
    except KafkaMissing as error:
        return str(error)
    return None


def _place() -> Place:
    return Place(free_port(), free_port(), free_port(), free_port(), free_port())


def _alive(admin: AdminClient) -> int:
    return len(admin.list_topics(timeout=ANSWER_SECONDS).brokers)


def _leader(admin: AdminClient) -> int:
    found: int = admin.list_topics(TOPIC, timeout=ANSWER_SECONDS).topics[TOPIC].partitions[0].leader
    if found < 1:
        raise RuntimeError(f"{TOPIC} has no leader")
    return found


def _controller(admin: AdminClient) -> int:
    found = admin.describe_cluster(request_timeout=ANSWER_SECONDS).result().controller
    return int(found.id)


def _all_in_sync(admin: AdminClient, size: int) -> bool:
    topics = admin.list_topics(timeout=ANSWER_SECONDS).topics.values()
    partitions = [one for topic in topics for one in topic.partitions.values()]
    return bool(partitions) and all(len(one.isrs) == size and one.leader > 0 for one in partitions)


def _end(admin: AdminClient) -> int:
    asked = {TopicPartition(TOPIC, 0): OffsetSpec.latest()}  # type: ignore[no-untyped-call]
    [end] = [one.result().offset for one in admin.list_offsets(asked).values()]
    return int(end)


def _drop_all(admin: AdminClient) -> None:
    for done in admin.delete_records([TopicPartition(TOPIC, 0, _end(admin))]).values():
        done.result()


def _set_most_bytes(admin: AdminClient, most: int | None) -> None:
    how = AlterConfigOpType.DELETE if most is None else AlterConfigOpType.SET
    entry = ConfigEntry("max.message.bytes", str(most or 8 << 20), incremental_operation=how)
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result()
