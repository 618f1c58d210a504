"""Several partitions of an owner's topic: order of each key, what is for all, growth."""

import asyncio
import random
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import pytest

from hirewire.messaging.broker import (
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueTopology,
)
from hirewire.messaging.brokers.kafka import Kafka
from tests.builders import eventually
from tests.messaging.conftest import Noted

pytestmark = pytest.mark.long
LOGS = QueueTopology("hirewire.logs", (Noted.name,))
KEYS = [f"key {n}" for n in range(12)]
CONSUMER = """
import asyncio, sys
from contextlib import aclosing
from hirewire.messaging.broker import BrokerUnavailable
from hirewire.messaging.brokers.kafka import Kafka
from tests.messaging.brokers.test_kafka_partitions import LOGS, line_of

async def consume(url):
    broker = Kafka(url, client="logs", watchdog_seconds=0.5)
    while True:
        try:
            async with aclosing(broker.deliveries(LOGS, limit=20)) as batches:
                async for batch in batches:
                    print("\\n".join(map(line_of, batch)), flush=True)
                    await asyncio.sleep(0.01)
                    await broker.ack(batch[-1])
        except BrokerUnavailable:
            await asyncio.sleep(0.05)

asyncio.run(consume(sys.argv[1]))
"""


def line_of(delivery: Delivery) -> str:
    """A delivery as a line: its key and number, or what it is."""
    return delivery.body.decode() if delivery.body != b"{}" else f"all {delivery.message_id}"


def noted(key: str, number: int) -> Message:
    """An event with a number within its key."""
    headers = {"id": str(uuid4()), "type": "test.noted", "source": "/hirewire/writer"}
    return Message(headers["id"], "test.noted", key, f"{key}:{number}".encode(), headers)


def barrier(id: str) -> Message:
    """What is for all partitions of the queue."""
    headers = {"id": id, "type": "hirewire.fence", "source": "/hirewire/writer"}
    return Message(id, "hirewire.fence", id, b"{}", headers, to="logs")


class Writer:
    """Publishes events of all keys, as a relay does: each message again until it is confirmed."""

    def __init__(self, url: str) -> None:
        self.broker = Kafka(url, client="writer")
        self.sent = dict.fromkeys(KEYS, 0)
        self._random = random.Random(7)

    async def write(self, count: int) -> None:
        """Publish so many events."""
        for _ in range(count):
            keys = self._random.sample(KEYS, 5)
            await self._publish([noted(key, self.sent[key]) for key in keys])
            for key in keys:
                self.sent[key] += 1

    async def barrier(self, id: str) -> None:
        """Publish a barrier, and nothing else meanwhile."""
        await self._publish([barrier(id)])

    async def _publish(self, messages: Sequence[Message]) -> None:
        while True:
            try:
                assert await self.broker.publish(messages) == [Outcome.CONFIRMED] * len(messages)
                return
            except BrokerUnavailable:
                await asyncio.sleep(0.05)


class Reader:
    """A consumer in a process of its own, which can be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, url: str) -> "Reader":
        """Start one."""
        arguments = ("-c", CONSUMER, url)
        root = Path(__file__).parents[3]
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=pipe, cwd=root)
        )

    async def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))


def first_ones(lines: Sequence[str]) -> list[str]:
    """The lines without repeats, which the inbox recognises."""
    return list(dict.fromkeys(lines))


def is_in_order(lines: Sequence[str], sent: dict[str, int]) -> bool:
    """Whether each key's events are complete and in order."""
    found: dict[str, list[int]] = {key: [] for key in sent}
    for line in first_ones(lines):
        key, _, number = line.partition(":")
        if key in found:
            found[key].append(int(number))
    return found == {key: list(range(count)) for key, count in sent.items()}


@pytest.fixture
async def url(fresh_namespace: str) -> str:
    """A namespace with the queue, and one partition."""
    broker = Kafka(fresh_namespace, client="migrate")
    await broker.declare([LOGS])
    await broker.close()
    return fresh_namespace


async def grow(url: str, partitions: int) -> None:
    """What `migrate` does."""
    broker = Kafka(f"{url}?partitions={partitions}", client="migrate")
    await broker.declare([LOGS])
    await broker.close()


async def test_keys_keep_their_order_while_partitions_are_added(url: str) -> None:
    """From 1 to 4 under traffic; a consumer is killed with -9 in the middle, another takes over."""
    writer = Writer(url)
    first, second = await Reader.start(url), await Reader.start(url)

    async def reads() -> bool:
        return len(first.lines) + len(second.lines) > 50

    writing = asyncio.create_task(writer.write(250))
    await eventually(reads, within=60)
    await grow(url, 4)
    active, standby = (first, second) if first.lines else (second, first)
    await active.kill()
    await writing
    await grow(url, 7)
    await writer.write(100)
    await writer.barrier("last")

    async def done() -> bool:
        return "all last" in standby.lines

    await eventually(done, within=60)
    await standby.kill()
    assert is_in_order(active.lines + standby.lines, writer.sent)
    assert len(await writer.broker._cluster.places([f"{name_of(url)}.writer"])) == 7
    await writer.broker.close()


async def test_what_is_for_all_partitions_is_overtaken_by_nothing(url: str) -> None:
    """It arrives once, behind all that was published before it and before the rest."""
    await grow(url, 4)
    writer = Writer(url)
    before: list[dict[str, int]] = []
    for nth in range(5):
        await writer.write(10)
        before.append(dict(writer.sent))
        await writer.barrier(str(nth))
    await writer.write(10)
    lines: list[str] = []
    broker = Kafka(url, client="logs")
    async with asyncio.timeout(60), aclosing(broker.deliveries(LOGS, limit=7)) as batches:
        async for batch in batches:
            lines += map(line_of, batch)
            await broker.ack(batch[-1])
            if len(lines) == sum(writer.sent.values()) + 5:
                break
    for nth in range(5):
        until = lines[: lines.index(f"all {nth}")]
        found = {key: sum(line.startswith(f"{key}:") for line in until) for key in KEYS}
        assert found == before[nth]
    assert is_in_order(lines, writer.sent)
    await eventually(lambda: is_drained(broker))
    await broker.close()
    await writer.broker.close()


async def is_drained(broker: Kafka) -> bool:
    return (await broker.stats(LOGS.queue)).ready == 0


def name_of(url: str) -> str:
    """The namespace."""
    return url.rpartition("/")[2]
