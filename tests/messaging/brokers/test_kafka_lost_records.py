"""A cluster that has lost records which it had confirmed, and which were consumed."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from chaos.brokers.kafka_logs import cut, ends_of
from hirewire.launcher.kafka import PrivateKafka
from hirewire.messaging.broker import BrokerUnavailable, Message, Outcome, QueueTopology
from hirewire.messaging.brokers.kafka import Kafka
from hirewire.messaging.event import Event
from tests.conftest import ensure_kafka

LOGS = QueueTopology("hirewire.logs", ("test.noted",))


class Counted(Event, name="test.counted", owner="writer", key="page"):
    """Another event of the same owner."""

    page: str


LATER = QueueTopology("hirewire.logs", ("test.noted", "test.counted"))
PARTITION = "hirewire.writer-0"


@pytest.fixture
async def kafka() -> AsyncIterator[PrivateKafka]:
    """A node of the test's own, since it is stopped meanwhile."""
    ensure_kafka()
    with tempfile.TemporaryDirectory(prefix="hirewire-kafka-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        node = PrivateKafka(Path(name) / "node")
        await node.start()
        yield node
        node.kill()
        await node.stop()


def noted(text: str, type: str = "test.noted") -> Message:
    """A message with this text."""
    id = str(uuid4())
    headers = {"specversion": "1.0", "id": id, "type": type, "source": "/hirewire/writer"}
    return Message(id, type, "k", text.encode(), headers)


async def publish(broker: Kafka, *messages: Message) -> None:
    """Publish again until it succeeds, as a relay does."""
    async with asyncio.timeout(60):
        while True:
            with suppress(BrokerUnavailable):
                outcomes = await broker.publish(messages)
                assert outcomes == [Outcome.CONFIRMED] * len(messages)
                return
            await asyncio.sleep(0.1)


class Consumer:
    """Consumes again and again, as a service does."""

    def __init__(self, url: str, topology: QueueTopology = LOGS) -> None:
        self.received: list[str] = []
        self._broker = Kafka(url, client="logs")
        self._topology = topology
        self._task = asyncio.create_task(self._consume())

    async def _consume(self) -> None:
        while True:
            with suppress(BrokerUnavailable):
                async for batch in self._broker.deliveries(self._topology, limit=10):
                    self.received += [one.body.decode() for one in batch]
                    await self._broker.ack(batch[-1])
            await asyncio.sleep(0.1)

    async def until(self, text: str) -> None:
        """Wait until a message has arrived."""
        async with asyncio.timeout(60):
            while text not in self.received:
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        """Stop consuming."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._broker.close()


async def lose(node: PrivateKafka, end: int) -> None:
    """Stop the node, cut off all records from an offset on, and start it again."""
    await node.stop()
    assert cut(node.data_dir / "data" / PARTITION, end) == end
    await node.start()


@pytest.mark.parametrize("meanwhile", ["stopped", "running"])
async def test_what_takes_the_place_of_lost_records_is_not_skipped(
    kafka: PrivateKafka, meanwhile: str
) -> None:
    """The group's offset is 20; the log ends at 7, and is at 32 when the consumer looks again."""
    writer = Kafka(kafka.url, client="writer")
    consumer = Consumer(kafka.url)
    await writer.declare([LOGS])
    for nth in range(20):
        await publish(writer, noted(f"before {nth}"))
    await consumer.until("before 19")
    if meanwhile == "stopped":
        await consumer.close()
    await lose(kafka, 7)
    expected = [f"after {nth}" for nth in range(25)]
    await publish(writer, *map(noted, expected))
    if meanwhile == "stopped":
        consumer = Consumer(kafka.url)
    await consumer.until("after 24")
    assert [text for text in consumer.received if text in expected][-25:] == expected
    assert consumer.received.count("before 0") == (meanwhile == "running")
    again = Consumer(kafka.url)  # its offset is that of the new log
    await publish(writer, noted("last"))
    await consumer.close()
    await publish(writer, noted("very last"))
    await again.until("very last")
    assert set(again.received) <= {"last", "very last"}
    await again.close()
    await writer.close()


async def test_an_event_that_was_bound_behind_the_end_is_bound_at_the_end(
    kafka: PrivateKafka,
) -> None:
    writer = Kafka(kafka.url, client="writer")
    await writer.declare([LOGS])
    for nth in range(8):
        await publish(writer, noted(str(nth)))
    await writer.declare([LATER])
    await lose(kafka, 3)
    consumer = Consumer(kafka.url, LATER)
    await consumer.until("2")
    await publish(writer, noted("counted", "test.counted"))
    await consumer.until("counted")
    await consumer.close()
    await writer.close()


def test_a_log_is_cut_behind_whole_batches(tmp_path: Path) -> None:
    def batch(base: int, count: int) -> bytes:
        head = base.to_bytes(8, "big") + (61 - 12).to_bytes(4, "big")
        return head + bytes(11) + (count - 1).to_bytes(4, "big") + bytes(61 - 27)

    first, second = tmp_path / f"{0:020}.log", tmp_path / f"{5:020}.log"
    first.write_bytes(batch(0, 3) + batch(3, 2))
    second.write_bytes(batch(5, 1) + batch(6, 4) + b"torn")
    (tmp_path / f"{5:020}.index").touch()
    assert ends_of(second) == [(6, 61), (10, 122)]
    assert cut(tmp_path, 9) == 6
    assert (second.stat().st_size, sorted(tmp_path.glob("*.index"))) == (61, [])
    assert cut(tmp_path, 4) == 3
    assert not second.exists()
    assert cut(tmp_path, 0) == 0
    assert first.stat().st_size == 0
