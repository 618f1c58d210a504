"""What befalls a Kafka cluster by its operators and by other programs."""

import asyncio
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from hirewire.contracts import auth
from hirewire.messaging.broker import BrokerUnavailable, Message, Outcome, QueueTopology
from hirewire.messaging.brokers.kafka import Kafka
from tests.builders import eventually

pytestmark = pytest.mark.long

LOGS = QueueTopology("hirewire.logs", ("test.noted",))


class Board:
    """A namespace in the cluster, its brokers, and what a consumer has received."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = url.removeprefix("kafka://")
        self.admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        self.name = f"t{uuid4().hex[:10]}"
        self.topic = f"{self.name}.writer"
        self.received: list[str] = []
        self._brokers: list[Kafka] = []

    def broker(self) -> Kafka:
        """A new broker; `close` closes it."""
        made = Kafka(f"{self.url}/{self.name}", client="writer")
        self._brokers.append(made)
        return made

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        """Consume meanwhile, again and again as a service does."""
        task = asyncio.create_task(self._consume(self.broker()))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _consume(self, broker: Kafka) -> None:
        while True:
            with suppress(BrokerUnavailable):
                async for batch in broker.deliveries(LOGS, limit=100):
                    self.received += [one.body.decode("utf-8", "replace") for one in batch]
                    await broker.ack(batch[-1])
            await asyncio.sleep(0.2)

    async def until(self, condition: Callable[[], bool], within: float = 60) -> None:
        """Wait for something."""
        async with asyncio.timeout(within):
            while not condition():
                await asyncio.sleep(0.02)

    def foreign(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        at: float = 0,
    ) -> None:
        """A record of another program, whose clock says `at`."""
        problems: list[object] = []
        producer = Producer({"bootstrap.servers": self.address, "message.max.bytes": 9_000_000})
        producer.produce(
            topic,
            value,
            key,
            on_delivery=lambda error, _: problems.append(error),
            timestamp=int(at * 1000),
            headers=list(headers),
        )
        producer.flush(10)
        assert [str(one) for one in problems] == ["None"]

    async def close(self) -> None:
        """Close all brokers."""
        for one in self._brokers:
            await one.close()


@pytest.fixture
async def board(kafka_url: str) -> AsyncIterator[Board]:
    """A namespace of its own, with a queue."""
    made = Board(kafka_url)
    await made.broker().declare([LOGS])
    yield made
    await made.close()


def noted(text: str, key: str = "k") -> Message:
    """A message with this text."""
    id = str(uuid4())
    headers = {"specversion": "1.0", "id": id, "type": "test.noted", "source": "/hirewire/writer"}
    return Message(id, "test.noted", key, text.encode(), headers)


async def publish(broker: Kafka, messages: Sequence[Message]) -> Sequence[Outcome]:
    """Publish again until it succeeds, as a relay does."""
    while True:
        try:
            return await broker.publish(messages)
        except BrokerUnavailable:
            await asyncio.sleep(0.2)


async def test_a_record_that_the_cluster_refuses_holds_up_its_key_only(board: Board) -> None:
    """An operator has made the largest size smaller; several chunks are in flight."""
    smaller = ConfigEntry("max.message.bytes", "2000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, board.topic, incremental_configs=[smaller])
    for done in board.admin.incremental_alter_configs([resource]).values():
        done.result()
    large = noted(os.urandom(20_000).hex(), "b")
    chunk = [noted("1", "a"), large, noted("2", "a"), noted("3", "b"), noted("4", "c")]
    others = [[noted(f"{nth}{key}", key) for key in "xyz"] for nth in range(6)]
    broker = board.broker()
    found = await asyncio.gather(*(broker.publish(one) for one in (chunk, *others)))
    assert [outcome.value for outcome in found[0]] == [
        "confirmed",
        "refused",
        "confirmed",
        "held back",
        "confirmed",
    ]
    assert "MSG_SIZE_TOO_LARGE" in large.refusal
    assert {outcome for one in found[1:] for outcome in one} == {Outcome.CONFIRMED}
    assert await broker.publish([noted("after")]) == [Outcome.CONFIRMED]
    async with board.consuming():
        await board.until(lambda: "after" in board.received)
    assert [text for text in board.received if text.isdigit()] == ["1", "2", "4"]
    assert len(board.received) == 3 + 18 + 1


async def test_records_of_other_programs_stop_nothing(board: Board) -> None:
    now, day = time.time(), 24 * 60 * 60
    kind = [("content-type", b"application/cloudevents+json")]
    async with board.consuming():
        await publish(board.broker(), [noted("first")])
        await board.until(lambda: "first" in board.received)
        for topic in ("-active", "-queues"):
            board.foreign(board.name + topic, b"odd", key=b"hirewire.logs")
            board.foreign(board.name + topic, None, key=b"\xff")
            board.foreign(board.name + topic, b"odd", key=b"\xff")
        board.foreign(board.topic, None)
        board.foreign(board.topic, b"x" * 5_000_000)
        board.foreign(board.topic, b"[" * 100_000, headers=kind)
        board.foreign(board.topic, b"{}", headers=[("ce_type", b"\xff"), ("", b""), ("x", None)])
        for name in (b"to.", b"to.logs.", b"to.logs", b"part.", b"."):
            board.foreign(board.topic, name, headers=[("hirewire-routing-key", name)])
        named = [("ce_type", b"test.noted")]
        board.foreign(board.topic, b"tomorrow's", at=now + day, headers=named)
        board.foreign(board.topic, b"last month's", at=now - 30 * day, headers=named)
        await publish(board.broker(), [noted("last")])
        await board.until(lambda: "last" in board.received)
    for text in ("tomorrow's", "last month's", "", "x" * 5_000_000):
        assert text in board.received


async def test_nothing_is_lost_if_the_topic_of_the_queues_is_deleted(board: Board) -> None:
    broker = board.broker()
    async with board.consuming():
        await broker.publish([noted("first")])
        await board.until(lambda: "first" in board.received)
    await broker.publish([noted("waits")])
    for done in board.admin.delete_topics([f"{board.name}-queues"]).values():
        done.result()
    confirmed = ["waits"]
    async with board.consuming():
        async with asyncio.timeout(60):
            for nth in range(1000):
                if await publish(broker, [noted(str(nth))]) == [Outcome.CONFIRMED]:
                    confirmed.append(str(nth))
                    if len(confirmed) > 20:
                        break
                await asyncio.sleep(0.05)
        await board.until(lambda: confirmed[-1] in board.received)
    assert set(confirmed) <= set(board.received)


async def test_nothing_is_lost_if_the_topic_of_an_owner_is_deleted(board: Board) -> None:
    """Its events are gone; those that are confirmed from then on arrive, all of them."""
    broker = board.broker()
    async with board.consuming():
        await publish(broker, [noted(f"before {nth}") for nth in range(30)])
        await board.until(lambda: "before 29" in board.received)
        for done in board.admin.delete_topics([board.topic]).values():
            done.result()
        await asyncio.sleep(1)  # until the node has really deleted it
        await board.broker().declare([QueueTopology("hirewire.others", LOGS.types)])
        # As many as there were before, and more.
        confirmed = [f"after {nth}" for nth in range(50)]
        await publish(board.broker(), [noted(text) for text in confirmed])
        # The last ones may come first: until the consumer notices, it goes on at its old offset.
        await board.until(lambda: set(confirmed) <= set(board.received))


assert auth  # whose event is read
QUIET = QueueTopology("hirewire.profiles", ("user.registered", "test.noted"))


async def test_the_place_in_a_quiet_topic_is_kept(board: Board) -> None:
    """The cluster forgets it after a week, or an operator deletes it, while others are read."""
    broker = Kafka(f"{board.url}/{board.name}", client="writer", keep_seconds=0.2)
    await broker.declare([QUIET])
    topics = [f"{board.name}.auth", board.topic]
    committed = partial(broker._cluster._committed, QUIET.queue, [(one, 0) for one in topics])

    async def known() -> bool:
        return min((await broker._cluster.call(committed)).values()) >= 0

    async with aclosing(broker.deliveries(QUIET, limit=10)) as batches:
        waiting = asyncio.ensure_future(anext(batches))
        await eventually(known)
        for _ in range(2):
            delete_offsets(board.address, f"{board.name}.profiles", topics)
            await eventually(known)
        await broker.publish([noted("after")])
        [found] = await waiting
        assert found.body == b"after"
        await broker.ack(found)
    lags = {one.topic: one.records for one in (await broker.stats(QUIET.queue)).lags}
    assert lags == dict.fromkeys(topics, 0)
    await broker.close()


async def test_nothing_is_skipped_if_the_place_of_an_idle_queue_is_forgotten(board: Board) -> None:
    """It is read again from where it was bound; the inbox knows what it had."""
    broker = board.broker()
    async with board.consuming():
        await publish(broker, [noted("handled")])
        await board.until(lambda: board.received == ["handled"])
    await publish(broker, [noted("waits")])
    delete_offsets(board.address, f"{board.name}.logs", [board.topic])
    assert (await broker.stats(LOGS.queue)).ready == 2
    async with board.consuming():
        await board.until(lambda: board.received[1:] == ["handled", "waits"])


def delete_offsets(address: str, group: str, topics: Sequence[str]) -> None:
    """OffsetDelete, as `kafka-consumer-groups.sh --delete-offsets` sends it; the library cannot."""

    def text(value: str) -> bytes:
        return struct.pack(">h", len(value)) + value.encode()

    partition_0 = struct.pack(">ii", 1, 0)
    body = text(group) + struct.pack(">i", len(topics))
    body += b"".join(text(topic) + partition_0 for topic in topics)
    request = struct.pack(">hhi", 47, 0, 1) + text("tests") + body
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.recv(4096)
    assert struct.unpack(">h", answer[8:10]) == (0,)


async def test_a_consumer_that_stands_by_leaves_its_group_when_it_is_closed(board: Board) -> None:
    """Otherwise the group would wait for it, until its session has ended after ten seconds."""
    group = f"{board.name}.logs"

    def members() -> int:
        [found] = board.admin.describe_consumer_groups([group]).values()
        return len(found.result().members)

    async with board.consuming():
        await publish(board.broker(), [noted("first")])
        await board.until(lambda: "first" in board.received)
        async with board.consuming():
            await board.until(lambda: members() == 2)
        await board.until(lambda: members() == 1, within=5)
    await board.until(lambda: members() == 0, within=5)
