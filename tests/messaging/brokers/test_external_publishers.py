"""Messages as external publishers send them, byte for byte, through a real node."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pika
import pytest
from pika.exceptions import AMQPError

from hirewire.messaging.brokers.rabbitmq import RabbitMQ
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.envelope import Received
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place

HEADERS, MESSAGE_ID, TIMESTAMP, TYPE, APP_ID = 1 << 13, 1 << 7, 1 << 6, 1 << 5, 1 << 3
NOW_MS = struct.pack(">Q", 1_763_942_400_123)
LONG = b"v" * 120_000


class Raw(pika.BasicProperties):  # type: ignore[misc]  # pika has no types
    """Properties made of these bytes."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        self.raw = raw

    def encode(self) -> list[bytes]:
        return [self.raw]


def properties(flags: int, *parts: bytes) -> Raw:
    return Raw(struct.pack(">H", flags) + b"".join(parts))


def table(*fields: bytes) -> bytes:
    content = b"".join(fields)
    return struct.pack(">I", len(content)) + content


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def nested(depth: int) -> bytes:
    value = b""
    for _ in range(depth):
        value = b"A" + struct.pack(">I", len(value)) + value
    return value


ODD = {
    "milliseconds in the header table": properties(HEADERS, table(b"\x02atT" + NOW_MS)),
    "milliseconds in a nested table": properties(
        HEADERS, table(b"\x01mF" + table(b"\x02atT" + NOW_MS))
    ),
    "milliseconds as the time": properties(HEADERS, table(b"\x10cloudEvents_timeT" + NOW_MS)),
    "milliseconds in the timestamp": properties(TIMESTAMP, NOW_MS),
    "the end of time": properties(TIMESTAMP, b"\xff" * 8),
    "not a number": properties(HEADERS, table(b"\x01nd" + struct.pack(">d", float("nan")))),
    "infinity": properties(HEADERS, table(b"\x01nf" + struct.pack(">f", float("inf")))),
    "a decimal of odd scale": properties(HEADERS, table(b"\x01nD" + struct.pack(">Bi", 255, -7))),
    "a name that is not UTF-8": properties(HEADERS, table(b"\x02\xff\xfeV")),
    "texts that are not UTF-8": properties(
        HEADERS | MESSAGE_ID | TYPE | APP_ID,
        table(b"\x01tS" + struct.pack(">I", 2) + b"\xff\xfe"),
        short(b"id \xff"),
        short(b"type \xff"),
        short(b"app \xff"),
    ),
    "a NUL in the id": properties(MESSAGE_ID, short(b"a\x00b")),
    "nested without end": properties(HEADERS, table(b"\x01n" + nested(5000))),
    "huge": properties(HEADERS, table(b"\x01nS" + struct.pack(">I", len(LONG)) + LONG)),
    "every number": properties(
        HEADERS,
        table(
            b"\x01at\x07",
            b"\x01bb\xff",
            b"\x01cs\xff\xff",
            b"\x01dI\xff\xff\xff\xff",
            b"\x01el" + b"\xff" * 8,
            b"\x01fx" + struct.pack(">I", 1) + b"\x00",
        ),
    ),
    "unsigned numbers": properties(
        HEADERS, table(b"\x01aB\xff", b"\x01bu\xff\xff", b"\x01ci\xff\xff\xff\xff")
    ),
    "own headers named like ours": properties(
        HEADERS,
        table(b"\x04typeS" + struct.pack(">I", 4) + b"USER", b"\x02idI\x00\x00\x00\x05"),
    ),
}
"""Properties that a node accepts and delivers, except for two."""

BROKEN = {
    "an unknown field type": properties(HEADERS, table(b"\x01nz\x00")),
    "a field cut off": properties(HEADERS, table(b"\x01nS" + struct.pack(">I", 99) + b"x")),
}
"""Properties that a node may refuse or deliver."""


@dataclass
class Consumption:
    """A service that consumes `test.noted`, and the messages its handler got."""

    url: str
    place: Place
    texts: list[str] = field(default_factory=list)
    correlations: list[str] = field(default_factory=list)

    async def on_noted(self, tx: Tx, received: Received[Noted]) -> None:
        self.texts.append(received.event.text)
        self.correlations.append(received.correlation_id)

    async def publish(self, body: bytes, properties: pika.BasicProperties) -> bool:
        """Publish as a plain client does; False if the node refuses it."""
        return await asyncio.to_thread(self._publish, body, properties)

    def _publish(self, body: bytes, properties: pika.BasicProperties) -> bool:
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        channel = connection.channel()
        channel.confirm_delivery()
        try:
            channel.basic_publish("hirewire.events", "test.noted", body, properties)
        except AMQPError:
            return False
        finally:
            if connection.is_open:
                connection.close()
        return True

    async def dead(self) -> list[tuple[bytes, str, dict[str, str]]]:
        async with self.place.engine.connect() as connection:
            rows = await connection.exec_driver_sql(
                "select body, error, headers::text as headers "
                "from messaging.open_message where state = 'dead'"
            )
            return [(row.body, row.error, json.loads(row.headers)) for row in rows]


@pytest.fixture
async def consumed(fresh_vhost: str, place: Place) -> AsyncIterator[Consumption]:
    made = Consumption(fresh_vhost, place)
    broker = RabbitMQ(fresh_vhost, client="tests")
    consumer = Consumer(
        service="reader",
        transactions=place.transactions("reader"),
        broker=broker,
        subscriptions=[on(Noted, made.on_noted, name="reader.notes")],
    )
    await broker.declare([consumer.topology])
    task = asyncio.create_task(consumer.run())
    yield made
    consumer.stop()
    await task
    await broker.close()


def body(text: str, page: UUID | None = None) -> bytes:
    return json.dumps({"page": str(page or uuid4()), "text": text}).encode()


async def test_unusual_headers_are_read_and_do_not_affect_other_messages(
    consumed: Consumption,
) -> None:
    sent = {"before": pika.BasicProperties(), **ODD, "after": pika.BasicProperties()}
    refused = [name for name, odd in sent.items() if not await consumed.publish(body(name), odd)]
    assert set(refused) <= {"not a number", "infinity"}  # RabbitMQ 3.10 itself cannot read these
    expected = [name for name in sent if name not in refused]

    async def all_consumed() -> bool:
        return len(consumed.texts) >= len(expected)

    await eventually(all_consumed)
    assert consumed.texts == expected
    assert await consumed.dead() == []


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_headers_are_a_dead_letter_if_they_arrive(
    consumed: Consumption, name: str
) -> None:
    taken = await consumed.publish(body(name), BROKEN[name])
    assert await consumed.publish(body("after"), pika.BasicProperties())

    async def after_consumed() -> bool:
        return consumed.texts == ["after"] and len(await consumed.dead()) == int(taken)

    await eventually(after_consumed)
    dead = await consumed.dead()
    for kept, error, headers in dead:
        assert kept == body(name, UUID(json.loads(kept)["page"]))
        assert "headers:" in error
        assert headers["h:unreadable-headers"]


async def test_an_empty_body_is_a_dead_letter(consumed: Consumption) -> None:
    assert await consumed.publish(b"", ODD["milliseconds in the header table"])
    assert await consumed.publish(body("after"), pika.BasicProperties())

    async def after_consumed() -> object:
        return consumed.texts == ["after"] and await consumed.dead()

    await eventually(after_consumed)
    [(kept, _, headers)] = await consumed.dead()
    assert kept == b""
    assert headers["h:at"] == "2025-11-24T00:00:00.123000Z"


async def test_a_correlation_id_that_could_not_be_published_again_is_not_taken_on(
    consumed: Consumption,
) -> None:
    for text in ("story", "x" * 256, "я" * 128):
        headers = {"cloudEvents_correlationid": text}
        assert await consumed.publish(body(text), pika.BasicProperties(headers=headers))

    async def all_consumed() -> bool:
        return len(consumed.correlations) == 3

    await eventually(all_consumed)
    assert consumed.correlations[0] == "story"
    assert all(UUID(text) for text in consumed.correlations[1:])


async def test_structured_events_are_consumed_and_invalid_ones_are_dead_letters(
    consumed: Consumption,
) -> None:
    kind = pika.BasicProperties(content_type="application/cloudevents+json")
    event = {"specversion": "1.0", "id": "7", "source": "/elsewhere", "type": "test.noted"}
    page = str(uuid4())
    for text, attributes in (("one", event), ("again", event), ("none", {"specversion": "1.0"})):
        sent = attributes | {"data": {"page": page, "text": text}}
        assert await consumed.publish(json.dumps(sent).encode(), kind)
    marked = b"\xef\xbb\xbf" + body("marked")
    assert await consumed.publish(marked, pika.BasicProperties(content_type="application/json"))

    async def all_consumed() -> bool:
        return len(consumed.texts) >= 2

    await eventually(all_consumed)
    assert consumed.texts == ["one", "marked"]  # the second event has the id of the first one
    [(_, error, headers)] = await consumed.dead()
    assert error == "structured CloudEvent: id is missing"
    assert headers["h:not-unwrapped"] == "id is missing"


async def test_a_nul_character_causes_no_retries(consumed: Consumption) -> None:
    nul = b'{"page": "%s", "text": "a\\u0000b"}' % str(uuid4()).encode()
    assert await consumed.publish(nul, pika.BasicProperties())
    assert await consumed.publish(body("after"), pika.BasicProperties())

    async def after_consumed() -> bool:
        return consumed.texts == ["after"]

    await eventually(after_consumed)
    [(kept, error, _)] = await consumed.dead()
    assert (kept, error) == (nul, "text: has a NUL character in it")
