"""The private Kafka node as a process: started, refused, stopped, restarted."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from hirewire.launcher import kafka as kafka_module
from hirewire.launcher.kafka import KafkaError, KafkaMissing, PrivateKafka
from hirewire.launcher.kafka_jars import cache_folder, find_kafka
from hirewire.launcher.process import free_port
from hirewire.launcher.restarts import kept_running
from hirewire.messaging.broker import (
    BrokerUnavailable,
    Message,
    Outcome,
    QueueTopology,
    open_broker,
)
from tests.builders import eventually
from tests.conftest import ensure_kafka
from tests.launcher.launching import Launch, folder, is_alive, kill_9, launch

__all__ = ["folder", "launch"]

LAUNCH_NODE = """
import asyncio, sys
from pathlib import Path
from hirewire.launcher.kafka import PrivateKafka
async def main():
    async with PrivateKafka(Path(sys.argv[1])) as node:
        print(node.url, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""
TOPOLOGY = QueueTopology("hirewire.kept", ("test.kept",))


def nodes(folder: Path) -> list[int]:
    """The ids of the processes of nodes with their data in this folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        with suppress(psutil.Error):
            if process.name() == "java" and str(folder / "server.properties") in process.cmdline():
                found.append(process.pid)
    return found


async def publish(url: str, body: bytes) -> None:
    broker = open_broker(url, client="tests")
    await broker.declare([TOPOLOGY])
    outcomes = await broker.publish([Message("1", "test.kept", "k", body, {})])
    assert outcomes == [Outcome.CONFIRMED]
    await broker.close()


async def first_of(url: str) -> bytes:
    broker = open_broker(url, client="tests")
    deliveries = broker.deliveries(TOPOLOGY, limit=1)
    [delivery] = await anext(deliveries)
    await deliveries.aclose()
    await broker.close()
    return delivery.body


@pytest.mark.long
async def test_a_private_node_keeps_its_messages_and_leaves_nothing_behind(
    launch: Launch, folder: Path
) -> None:
    ensure_kafka()
    launcher, url = await launch(LAUNCH_NODE, folder / "kafka")
    await publish(url, b"here")
    with pytest.raises(KafkaError, match=f"process {launcher.pid} is already using"):
        await PrivateKafka(folder / "kafka").start()
    [first] = nodes(folder / "kafka")
    os.kill(first, signal.SIGSTOP)  # it does not notice that its launcher ends
    kill_9(launcher)
    os.kill(first, signal.SIGCONT)
    async with PrivateKafka(folder / "kafka") as node:
        assert not is_alive(first)  # two nodes on the same data would damage it
        assert node.url == url
        assert await first_of(url) == b"here"
        if os.geteuid() == 0:
            assert psutil.Process(node.pid).username() == "hirewire-kafka"
        for connection in psutil.Process(node.pid).net_connections("tcp"):
            assert connection.laddr.ip in ("127.0.0.1", "::ffff:127.0.0.1")
    assert nodes(folder / "kafka") == []


@pytest.mark.long
async def test_a_node_of_a_distribution_whose_port_is_taken_takes_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_kafka()
    await asyncio.to_thread(find_kafka, None)
    home = folder / "папка, or folder"
    (folder / "distribution").mkdir()
    (folder / "distribution" / "libs").symlink_to(cache_folder())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        drawn = iter([None, taken.getsockname()[1]])
        kept: list[int | None] = []

        def draw(preferred: int | None = None) -> int:
            kept.append(preferred)
            return next(drawn, None) or free_port(preferred)

        monkeypatch.setattr(kafka_module, "free_port", draw)
        async with PrivateKafka(home, folder / "distribution") as node:
            await open_broker(node.url, client="tests").ping()
        log = (home / "node.log").read_text()
        assert "Address already in use" in log
        assert (home / "data" / "meta.properties").exists()
        assert kept == [None] * 4, "a port that a probe finds free may have been what failed"


@pytest.mark.long
async def test_a_killed_node_is_started_again_with_what_it_has_acknowledged(folder: Path) -> None:
    ensure_kafka()
    async with PrivateKafka(folder / "kafka") as node, kept_running(node):
        url, first = node.url, node.pid
        await publish(url, b"here")
        assert first is not None
        os.kill(first, signal.SIGKILL)

        async def answers() -> bool:
            broker = open_broker(url, client="tests")
            with suppress(BrokerUnavailable):
                await broker.ping()
                return node.pid != first
            return False

        await eventually(answers, within=60)
        assert node.url == url
        assert await first_of(url) == b"here"


async def test_a_node_that_cannot_start_shows_its_log(folder: Path) -> None:
    ensure_kafka()
    (folder / "kafka" / "data").mkdir(parents=True)
    (folder / "kafka" / "data" / "meta.properties").write_text("version=1\ncluster.id=another\n")
    with pytest.raises(KafkaError, match=r"did not start: [\s\S]*meta\.properties"):
        await PrivateKafka(folder / "kafka").start()


async def test_a_machine_without_java_is_shown_how_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(KafkaMissing, match="apt-get install default-jre-headless"):
        await PrivateKafka(folder).start()
