"""The private RabbitMQ node as a process: started, refused, stopped, restarted."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from hirewire.launcher import rabbitmq as rabbitmq_module
from hirewire.launcher.process import free_port
from hirewire.launcher.rabbitmq import (
    PrivateRabbitMQ,
    RabbitMQError,
    RabbitMQMissing,
    greets,
)
from hirewire.launcher.restarts import kept_running
from hirewire.messaging.broker import (
    BrokerUnavailable,
    Message,
    Outcome,
    QueueTopology,
    open_broker,
)
from tests.builders import eventually
from tests.conftest import ensure_rabbitmq
from tests.launcher.launching import Launch, folder, is_alive, kill_9, launch

__all__ = ["folder", "launch"]

LAUNCH_NODE = """
import asyncio, sys
from pathlib import Path
from hirewire.launcher.rabbitmq import PrivateRabbitMQ
async def main():
    async with PrivateRabbitMQ(Path(sys.argv[1])) as node:
        print(node.url, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def of_the_node(folder: Path) -> set[str]:
    """The names of the processes that use this folder as their home."""
    found = set()
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.environ().get("HOME") == str(folder):
                found.add(process.info["name"])
    return found


@pytest.mark.long
async def test_a_private_node_keeps_its_messages_and_leaves_nothing_behind(
    launch: Launch, folder: Path
) -> None:
    ensure_rabbitmq()
    topology = QueueTopology("hirewire.kept", ("test.kept",))
    launcher, url = await launch(LAUNCH_NODE, folder / "rabbit")
    broker = open_broker(url, client="tests")
    await broker.declare([topology])
    await broker.publish([Message("1", "test.kept", "k", b"here", {})])
    await broker.close()
    with pytest.raises(RabbitMQError, match=f"process {launcher.pid} is already using"):
        await PrivateRabbitMQ(folder / "rabbit").start()
    [first] = [p.pid for p in psutil.process_iter() if is_node(p, folder / "rabbit")]
    kill_9(launcher)
    async with PrivateRabbitMQ(folder / "rabbit") as node:
        assert not is_alive(first)  # two nodes on the same data would damage it
        assert node.url == url
        known = PrivateRabbitMQ.started_elsewhere(folder / "rabbit")
        assert (known.url, known.management_url) == (node.url, node.management_url)
        broker = open_broker(url, client="tests")
        [delivery] = await anext(broker.deliveries(topology, limit=1))
        assert delivery.body == b"here"
        await broker.close()
        assert {"beam.smp", "epmd"} <= of_the_node(folder / "rabbit")
    with pytest.raises(BrokerUnavailable):
        await open_broker(url, client="tests").ping()

    async def nothing_left() -> bool:
        return of_the_node(folder / "rabbit") == set()

    await eventually(nothing_left)


@pytest.mark.long
async def test_a_node_whose_port_is_taken_as_it_starts_takes_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_rabbitmq()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        drawn = iter([None, None, port])  # AMQP, management, and the port for other nodes
        kept: list[int | None] = []

        def draw(preferred: int | None = None) -> int:
            kept.append(preferred)
            return next(drawn, None) or free_port(preferred)

        monkeypatch.setattr(rabbitmq_module, "free_port", draw)
        async with PrivateRabbitMQ(folder / "rabbit") as node:
            await open_broker(node.url, client="tests").ping()
            assert greets(node._settings.amqp)
        assert "dist_port_already_used" in (folder / "rabbit" / "node.log").read_text()
        assert kept == [None] * 8, "a port that a probe finds free may have been what failed"


async def test_a_port_that_closes_connections_is_not_a_ready_node() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert not await asyncio.to_thread(greets, port)
    assert not greets(port)


def is_node(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return process.name() == "beam.smp" and str(folder) in process.cmdline()
    return False


async def test_a_machine_without_rabbitmq_is_shown_how_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq_module, "find_server", lambda: None)
    with pytest.raises(RabbitMQMissing, match="apt-get install rabbitmq-server"):
        await PrivateRabbitMQ(folder).start()


@pytest.mark.long
async def test_a_private_node_that_ends_is_started_again(folder: Path) -> None:
    ensure_rabbitmq()
    topology = QueueTopology("hirewire.kept", ("test.kept",))
    async with PrivateRabbitMQ(folder / "rabbit") as node, kept_running(node):
        url, broker = node.url, open_broker(node.url, client="tests")
        [pid] = [p.pid for p in psutil.process_iter() if is_node(p, folder / "rabbit")]
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: _ended(pid))

        async def takes_messages() -> bool:
            try:
                await broker.declare([topology])
                outcomes = await broker.publish([Message("1", "test.kept", "k", b"here", {})])
            except BrokerUnavailable:
                return False
            return outcomes == [Outcome.CONFIRMED]

        await eventually(takes_messages, within=60)
        assert node.url == url
        await broker.close()


async def _ended(pid: int) -> bool:
    return not is_alive(pid)
