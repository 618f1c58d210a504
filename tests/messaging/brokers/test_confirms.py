"""A RabbitMQ node's outcome for a message reaches the publisher, and agrees with the queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

import httpx
import pika
import pytest
from sqlalchemy.engine import make_url

from hirewire.messaging.broker import BrokerUnavailable, Delivery, Message, Outcome, QueueTopology
from hirewire.messaging.brokers.rabbitmq import RabbitMQ
from tests.builders import eventually
from tests.conftest import RabbitMQ as Node
from tests.conftest import missing

LOGS = QueueTopology("hirewire.logs", ("test.noted",))


@pytest.fixture
async def broker(fresh_vhost: str) -> AsyncIterator[RabbitMQ]:
    made = RabbitMQ(fresh_vhost, client="tests")
    await made.declare([LOGS])
    yield made
    await made.close()


def note(body: bytes = b"{}", type: str = "test.noted") -> Message:
    id = str(uuid4())
    return Message(id, type, "k", body, {"id": id})


async def limit_queue(rabbitmq: Node, vhost_url: str, most: int) -> None:
    """Limit the queue's length: the node refuses further messages."""
    if rabbitmq.management_url is None:
        missing("rabbitmq", "no management API: set HIREWIRE_TEST_RABBITMQ_MANAGEMENT_URL=http://…")
    assert rabbitmq.management_url is not None
    vhost = make_url(vhost_url).database
    policy = {
        "pattern": "^hirewire.logs$",
        "definition": {"max-length": most, "overflow": "reject-publish"},
        "apply-to": "queues",
    }
    async with httpx.AsyncClient(base_url=rabbitmq.management_url, timeout=20) as client:
        (await client.put(f"/api/policies/{vhost}/limit", json=policy)).raise_for_status()


async def test_confirmed_messages_are_queued_and_refused_ones_are_not(
    broker: RabbitMQ, rabbitmq: Node, fresh_vhost: str
) -> None:
    await limit_queue(rabbitmq, fresh_vhost, 20)
    outcomes: list[Outcome] = []

    async def refused() -> bool:
        async with asyncio.timeout(15):
            outcomes.extend(await broker.publish([note() for _ in range(30)]))
        return Outcome.REFUSED in outcomes

    await eventually(refused)

    async def as_said() -> bool:
        ready = (await broker.stats(LOGS.queue)).ready
        return ready == outcomes.count(Outcome.CONFIRMED)

    await eventually(as_said)
    assert set(outcomes) == {Outcome.CONFIRMED, Outcome.REFUSED}


async def test_the_outcome_of_the_last_of_many_is_waited_for(broker: RabbitMQ) -> None:
    async with asyncio.timeout(20):
        outcomes = await broker.publish([*(note() for _ in range(700)), note(type="test.unheard")])
    assert outcomes == [Outcome.CONFIRMED] * 700 + [Outcome.UNROUTABLE]
    assert (await broker.stats(LOGS.queue)).ready == 700


async def test_a_channel_closed_by_the_node_is_reported_at_once(
    broker: RabbitMQ, fresh_vhost: str
) -> None:
    """No confirm can arrive any more, so nothing waits for one until the timeout."""

    def delete_exchange() -> None:
        connection = pika.BlockingConnection(pika.URLParameters(fresh_vhost))
        connection.channel().exchange_delete("hirewire.events")
        connection.close()

    await asyncio.to_thread(delete_exchange)
    with pytest.raises(BrokerUnavailable):
        async with asyncio.timeout(10):
            await broker.publish([note()])
    await broker.declare([LOGS])
    assert await broker.publish([note()]) == [Outcome.CONFIRMED]


async def first_of(broker: RabbitMQ) -> Delivery:
    """The first message of the queue, which returns unacked."""
    async with asyncio.timeout(20), aclosing(broker.deliveries(LOGS, limit=5)) as batches:
        return (await anext(batches))[0]


async def test_a_message_is_never_dropped_and_carries_its_delivery_count(
    broker: RabbitMQ, fresh_vhost: str
) -> None:
    await broker.publish([note(b"1"), note(b"2")])
    for nth in range(6):
        got = await first_of(broker)
        assert (got.body, got.delivery_count) == (b"1", nth)
        assert got.user_id == make_url(fresh_vhost).username
    assert (await broker.stats("hirewire.dead")).ready == 0
