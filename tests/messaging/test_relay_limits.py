"""A single event cannot stop its service's publishing, or exhaust its memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Broker, Message, Outcome, QueueTopology, open_broker
from hirewire.messaging.brokers.rabbitmq import RabbitMQ
from hirewire.messaging.database import connect
from hirewire.messaging.publishing.key_queues import MOST_BYTES, READ_BYTES, KeyQueues
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.pipeline import CHUNK_BYTES
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.testing import recorded
from tests.conftest import RabbitMQ as Server
from tests.messaging.brokers.test_rabbitmq import declare_full_queue, largest_message
from tests.messaging.conftest import Noted, Place
from tests.services import NoBroker

READER = QueueTopology("hirewire.reader", ("test.noted",))


@pytest.fixture
async def rabbit(fresh_vhost: str) -> AsyncIterator[Broker]:
    made = open_broker(fresh_vhost, client="writer")
    await made.declare([READER])
    yield made
    await made.close()


async def note_down(place: Place, key: UUID, *texts: str) -> None:
    async with place.transactions()() as tx:
        for text in texts:
            record(tx, Noted(page=key, text=text))


async def errors(place: Place) -> list[str]:
    connection = await connect(place.url, application="tests")
    rows = await connection.fetch(
        "select error from messaging.outbox where error is not null order by position"
    )
    await connection.close()
    return [row["error"] for row in rows]


async def test_an_event_over_the_brokers_limit_blocks_only_its_key(
    place: Place, fresh_vhost: str, rabbitmq: Server
) -> None:
    async with largest_message(rabbitmq, 50_000):
        broker = RabbitMQ(fresh_vhost, client="writer")
        await broker.declare([READER])
        page = uuid4()
        await note_down(place, page, "before", "x" * 60_000, "behind")
        for n in range(30):
            await note_down(place, uuid4(), f"{n}")
        relay = Relay(service="writer", database_url=place.url, broker=broker)
        while await relay.step():
            pass
        sent = [row.sent for row in await recorded(place.engine)]
        assert sent == [True, False, False] + [True] * 30
        [error] = await errors(place)
        assert "50000" in error
        await relay.close()
        await broker.close()


async def test_a_nack_leaves_an_event_unsent(
    place: Place, rabbit: Broker, fresh_vhost: str
) -> None:
    await asyncio.to_thread(declare_full_queue, fresh_vhost)
    for n in range(3):
        await note_down(place, uuid4(), f"{n}")
    relay = Relay(service="writer", database_url=place.url, broker=rabbit)
    await relay.step()
    assert sum(row.sent for row in await recorded(place.engine)) == 1
    assert await errors(place) == ["refused by the broker"] * 2
    await relay.close()


class Measuring(NoBroker):
    """Accepts everything, and records the bytes of each batch and of all in flight."""

    keeps_order_within_batch = False

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.batches.append(sum(len(message.body) for message in messages))
        return [Outcome.CONFIRMED] * len(messages)


async def test_bytes_in_flight_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hand: list[int] = []
    take = KeyQueues.take

    def taken(hand: KeyQueues, rows: object, *, last: bool) -> None:
        take(hand, rows, last=last)  # type: ignore[arg-type]
        in_hand.append(hand._bytes)

    monkeypatch.setattr(KeyQueues, "take", taken)
    for _ in range(60):
        await note_down(place, uuid4(), "x" * 1_000_000)
    broker = Measuring()
    relay = Relay(service="writer", database_url=place.url, broker=broker)
    while await relay.step():
        pass
    await relay.close()
    assert len(await errors(place)) == 0
    assert all(row.sent for row in await recorded(place.engine))
    assert sum(broker.batches) >= 60_000_000
    assert max(broker.batches) <= CHUNK_BYTES + 1_100_000
    assert max(in_hand) <= MOST_BYTES + 1_100_000
    assert max(in_hand) >= READ_BYTES


async def test_the_size_of_unsent_events_is_known(place: Place) -> None:
    """In bytes, however many events one transaction records."""
    await note_down(place, uuid4(), "ё" * 100)
    await note_down(place, uuid4(), "a", "ё" * 100)
    connection = await connect(place.url, application="tests")
    rows = await connection.fetch(
        "select o.size, octet_length(l.body::text) as bytes from messaging.outbox o "
        "join messaging.log l using (id) order by o.position"
    )
    await connection.close()
    assert [row["size"] for row in rows] == [row["bytes"] for row in rows]
    assert rows[0]["size"] > 200
