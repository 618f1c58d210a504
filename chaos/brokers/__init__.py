"""A broker as a cluster on this machine: what the scenarios need of it."""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, Protocol, TypeAlias

from chaos.network import Network

Kind: TypeAlias = Literal["rabbitmq", "kafka"]


class Node(Protocol):
    """One node; its data are in `data_dir`."""

    data_dir: Path

    @property
    def host(self) -> str:
        """The host under which it can be reached."""

    @property
    def port(self) -> int:
        """The port for the suite itself."""

    @property
    def proxied_port(self) -> int:
        """The port to which its proxy leads."""

    @property
    def proxy_port(self) -> int:
        """The proxy's port as the node announces it; 0: it announces none."""

    @property
    def hosts_port(self) -> int:
        """The port for replicas on separate hosts."""

    async def start(self) -> None:
        """Start it; returns once it answers."""

    async def stop(self) -> None:
        """Stop it in order."""

    def kill(self) -> None:
        """Kill it with -9."""

    def freeze(self) -> None:
        """Freeze it: its connections stay open, and nothing responds."""

    def thaw(self) -> None:
        """Resume it."""

    def let_go(self) -> None:
        """Once the node is dead, close this process's open files in its folder."""


class Steered:
    """A node of ours, of whichever broker: what it is steered by beside starting and stopping."""

    _process: subprocess.Popen[bytes] | None
    _lock: IO[str] | None

    def freeze(self) -> None:
        """See `Node.freeze`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """See `Node.thaw`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def let_go(self) -> None:
        """See `Node.let_go`."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class Cluster(ABC):
    """Several nodes as a cluster."""

    nodes: Sequence[Node]

    @abstractmethod
    async def start(self) -> None:
        """Start all nodes and wait until the cluster is complete."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop all nodes."""

    @abstractmethod
    def url(self, places: Sequence[str]) -> str:
        """The address of the cluster, if its nodes are at these places (``host:port``)."""

    @abstractmethod
    async def leader(self, queue: str) -> Node:
        """The node that leads what the queue reads."""

    @abstractmethod
    async def in_step(self, queue: str) -> bool:
        """Whether all copies are complete, so that losing one node loses nothing."""

    @abstractmethod
    async def waiting(self, queue: str) -> int:
        """The number of messages in a queue."""

    @abstractmethod
    async def is_empty(self, queue: str) -> bool:
        """Whether nothing waits in a queue and in its partitions. False if no node responds."""

    @abstractmethod
    async def is_consumed(self, queue: str) -> bool:
        """Whether a queue has a consumer. False if no node responds."""

    @abstractmethod
    async def delete(self, queue: str) -> None:
        """Delete a queue."""

    @abstractmethod
    async def empty(self, queue: str) -> None:
        """Delete all messages that wait in a queue."""

    @abstractmethod
    async def set_most_bytes(self, most: int | None) -> None:
        """Set the size of the largest message; None: as it was at first."""


def make_cluster(kind: Kind, folder: Path, size: int, address: str | None = None) -> Cluster:
    """A cluster, not started; `address`: where it listens in addition to 127.0.0.1."""
    if kind == "kafka":
        from chaos.brokers.kafka import KafkaCluster

        return KafkaCluster(folder, size, address)
    from chaos.brokers.rabbitmq import RabbitCluster

    return RabbitCluster(folder, size, address)


def make_islands(kind: Kind, folder: Path, size: int, clients: Network, others: Network) -> Cluster:
    """A cluster, not started, whose nodes are hosts of two networks."""
    if kind == "kafka":
        from chaos.brokers.kafka import KafkaIslands

        return KafkaIslands(folder, size, clients, others)
    from chaos.brokers.rabbitmq_islands import RabbitIslands

    return RabbitIslands(folder, size, clients, others)


def lacked(kind: Kind) -> str | None:
    """What this machine lacks for such nodes."""
    if kind == "kafka":
        from chaos.brokers.kafka import missing

        return missing()
    return None
